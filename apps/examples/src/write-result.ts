import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { resultsDirectory } from "../config.ts";

/**
 * Writes a result as JSON to this machine's disk and returns its path. A run may be tried again, so the file is
 * replaced whole: a reader never sees half of one.
 */
export async function writeResult(name: string, result: unknown): Promise<string> {
  const directory = resultsDirectory();
  const path = join(directory, `${name}.json`);
  const draft = `${path}.${process.pid}.tmp`;
  await mkdir(directory, { recursive: true });
  await writeFile(draft, `${JSON.stringify(result, null, 2)}\n`);
  await rename(draft, path);
  return path;
}
