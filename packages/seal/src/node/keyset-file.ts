import { type FileHandle, link, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { parseKeyset, type WorkspaceKeyset } from "../keyset.ts";
import { SealError } from "../seal-error.ts";

export type WriteKeysetOptions = {
  /** Replaces a keyset that stands there. Default false: overwriting one can make everything sealed with it unreadable. */
  readonly replace?: boolean | undefined;
};

// Windows has no such mode bits: every file reports 0666 there.
const HAS_MODE_BITS = process.platform !== "win32";

/**
 * Reads a keyset file.
 *
 * @throws {SealError} `keyset_missing`, `keyset_exposed` when group or others may read it, `bad_keyset`,
 * `keyset_unreachable`
 */
export async function readKeyset(path: string): Promise<WorkspaceKeyset> {
  const handle = await openFile(path);
  let text: string;
  try {
    await refuseExposed(path, handle);
    text = await handle.readFile("utf8");
  } catch (cause) {
    throw unreachable(path, cause);
  } finally {
    await handle.close();
  }
  return parseKeyset(parseJson(path, text));
}

/**
 * Writes a keyset file with mode 0600, whole or not at all; directories made for it get mode 0700. Of two processes that
 * write at the same time one succeeds and the other gets `keyset_exists`.
 *
 * @throws {SealError} `keyset_exists`, `bad_keyset`, `keyset_unreachable`
 */
export async function writeKeyset(
  path: string,
  keyset: WorkspaceKeyset,
  options: WriteKeysetOptions = {},
): Promise<void> {
  const text = `${JSON.stringify(await parseKeyset(keyset), null, 2)}\n`;
  const draft = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeDurably(draft, text);
    // A hard link fails where a file already stands; a rename would silently replace it.
    if (options.replace === true) await rename(draft, path);
    else await link(draft, path);
    await syncDirectory(dirname(path));
  } catch (cause) {
    throw errnoOf(cause) === "EEXIST"
      ? new SealError("keyset_exists", `A keyset already stands at ${path}; it was left alone.`, {
          cause,
        })
      : unreachable(path, cause);
  } finally {
    await rm(draft, { force: true });
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (cause) {
    throw errnoOf(cause) === "ENOENT"
      ? new SealError("keyset_missing", `There is no keyset at ${path}.`, { cause })
      : unreachable(path, cause);
  }
}

/** Asks the open file, not the path, so that the file checked is the file read. */
async function refuseExposed(path: string, handle: FileHandle): Promise<void> {
  const mode = (await handle.stat()).mode & 0o777;
  if (!HAS_MODE_BITS || (mode & 0o077) === 0) return;
  throw new SealError(
    "keyset_exposed",
    `The keyset ${path} is open to other users (mode 0${mode.toString(8)}); run: chmod 600 ${path}`,
  );
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The cause is left out on purpose: JSON.parse quotes the text it fails on, and that text is a secret.
    throw new SealError(
      "bad_keyset",
      `The keyset ${path} is not valid JSON; restore it from a copy.`,
    );
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(path, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  if (!HAS_MODE_BITS) return; // Windows cannot open a directory for syncing
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unreachable(path: string, cause: unknown): SealError {
  if (cause instanceof SealError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SealError(
    "keyset_unreachable",
    `The keyset ${path} cannot be read or written: ${reason}`,
    { cause },
  );
}

function errnoOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
