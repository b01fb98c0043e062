import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { DownbeatError } from "@downbeat/contract";

/** The page's files by the path they are asked for under: `/index.html`, `/assets/…`. */
export type PageFiles = ReadonlyMap<string, PageFile>;

export type PageFile = { readonly body: Buffer; readonly type: string };

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/**
 * Reads the built page into memory: what is not in it cannot be asked for, whatever the path looks like.
 *
 * @throws {DownbeatError} `configuration_invalid` when it is not built
 */
export async function readPageFiles(directory: string): Promise<PageFiles> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    (cause: unknown) => {
      throw notBuilt(directory, cause);
    },
  );
  const files = new Map<string, PageFile>();
  for (const entry of entries.filter((candidate) => candidate.isFile())) {
    const file = join(entry.parentPath, entry.name);
    const path = `/${relative(directory, file).split(sep).join("/")}`;
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    files.set(path, { body: await readFile(file), type });
  }
  if (!files.has("/index.html")) throw notBuilt(directory, undefined);
  return files;
}

function notBuilt(directory: string, cause: unknown): DownbeatError {
  return new DownbeatError("configuration_invalid", {
    message: `The page is not built: ${directory} has no index.html.`,
    cause,
  });
}
