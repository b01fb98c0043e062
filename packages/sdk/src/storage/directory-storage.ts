import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isMissing } from "./file-errors.ts";
import { lockDirectory } from "./directory-lock.ts";
import { pruneDirectory } from "./prune-directory.ts";
import { checkKey } from "./result-storage.ts";
import type { ResultStorage } from "./result-storage.ts";

/**
 * Keeps results in a directory, one file each, readable by this user only. Writes are atomic and flushed to disk; many
 * processes may share it. Agents on several machines need a file system that all of them see.
 *
 * @param path relative to the working directory, which under an agent is its project
 * @example
 * const pages = task({ name: "fetch-page", cache: { storage: directoryStorage("/var/cache/pages") } }, fetchPage);
 */
export function directoryStorage(path: string): ResultStorage {
  const root = resolve(path);
  const fileOf = (key: string): string => {
    checkKey(key);
    return join(root, key);
  };
  return {
    locationOf: (key) => pathToFileURL(fileOf(key)).href,
    get: async (key) => readIfThere(fileOf(key)),
    put: async (key, bytes) => writeWhole(fileOf(key), bytes),
    delete: async (key) => rm(fileOf(key), { force: true }),
    lock: async (key, leaseMs) => lockDirectory(`${fileOf(key)}.lock`, leaseMs),
    prune: (part, olderThanMs) => pruneDirectory(fileOf(part), olderThanMs),
    prunable: (part, olderThanMs) => pruneDirectory(fileOf(part), olderThanMs, { dryRun: true }),
  };
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const directory = dirname(path);
  const unfinished = `${path}.${randomUUID()}.tmp`;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    const file = await open(unfinished, "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  await syncDirectory(directory);
}

// Without this the new name may be lost with the power, although the content is on disk.
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return; // directories cannot be opened there
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
