import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, rm, rmdir, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { isMissing, isTaken } from "./file-errors.ts";
import type { StorageLock } from "./result-storage.ts";

type Claim = { readonly number: number; readonly touchedAtMs: number };

/**
 * A lock made of numbered claim files in a directory of its own. Whoever makes the next number alone, and afterwards sees
 * no other live claim, holds it. A claim is live until `leaseMs` after its file was last written. Ages are told by the
 * file system's own clock, so clocks of machines that share it need not agree.
 *
 * A dead claim is never replaced in place: of two that saw it dead at once, the slower would replace the faster's new
 * claim. With a number of its own each claim is removed as itself. Whoever holds the lock made its claim before it
 * looked around, so of two that came at once at least one has seen the other and given way.
 */
export async function lockDirectory(
  directory: string,
  leaseMs: number,
): Promise<StorageLock | undefined> {
  const before = await claimsIn(directory);
  if (before.length > 0 && hasLive(before, await nowOn(directory), leaseMs)) return undefined;
  const number = Math.max(0, ...before.map((claim) => claim.number)) + 1;
  const path = join(directory, String(number));
  const file = await makeClaim(directory, path);
  if (file === undefined) return undefined;
  const lock = new DirectoryLock(directory, path, file);
  const others = (await claimsIn(directory)).filter((claim) => claim.number !== number);
  if (hasLive(others, (await file.stat()).mtimeMs, leaseMs)) {
    await lock.release();
    return undefined;
  }
  await Promise.all(
    others.map((claim) => rm(join(directory, String(claim.number)), { force: true })),
  );
  return lock;
}

class DirectoryLock implements StorageLock {
  readonly #directory: string;
  readonly #path: string;
  readonly #file: FileHandle;

  constructor(directory: string, path: string, file: FileHandle) {
    this.#directory = directory;
    this.#path = path;
    this.#file = file;
  }

  async renew(): Promise<boolean> {
    // Written, not `utimes`: so the file system puts its own time.
    await this.#file.write("\n", 0);
    return this.#isMine();
  }

  async release(): Promise<void> {
    try {
      if (await this.#isMine()) await rm(this.#path, { force: true });
    } finally {
      await this.#file.close();
    }
    // Others may be at it; then it stays.
    await rmdir(this.#directory).catch(() => {});
  }

  // A claim that lapsed was removed, and its number may have been given anew.
  async #isMine(): Promise<boolean> {
    try {
      const [mine, there] = await Promise.all([this.#file.stat(), stat(this.#path)]);
      return mine.ino === there.ino;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }
}

function hasLive(claims: readonly Claim[], nowMs: number, leaseMs: number): boolean {
  return claims.some(({ touchedAtMs }) => nowMs - touchedAtMs < leaseMs);
}

async function claimsIn(directory: string): Promise<Claim[]> {
  const names = await readdir(directory).catch(emptyIfMissing);
  const numbers = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const claims = await Promise.all(
    numbers.map(async (number) => {
      const found = await stat(join(directory, String(number))).catch(undefinedIfMissing);
      return found === undefined ? [] : [{ number, touchedAtMs: found.mtimeMs }];
    }),
  );
  return claims.flat();
}

async function nowOn(directory: string): Promise<number> {
  const probe = join(directory, `${randomUUID()}.now`);
  const file = await openNew(directory, probe);
  try {
    return (await file.stat()).mtimeMs;
  } finally {
    await file.close();
    await rm(probe, { force: true });
    await rmdir(directory).catch(() => {}); // whoever held the lock may have left meanwhile
  }
}

async function makeClaim(directory: string, path: string): Promise<FileHandle | undefined> {
  try {
    return await openNew(directory, path);
  } catch (error) {
    if (isTaken(error)) return undefined;
    throw error;
  }
}

async function openNew(directory: string, path: string): Promise<FileHandle> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      return await open(path, "wx", 0o600);
    } catch (error) {
      // The one before just gave its lock back and took the directory along, between these two or within the first.
      if (!isMissing(error) || attempt === MOST_ATTEMPTS) throw error;
    }
  }
}

// Each attempt is lost to another process's release; so many in a row are none, but a path that cannot be made.
const MOST_ATTEMPTS = 100;

function emptyIfMissing(error: unknown): string[] {
  if (isMissing(error)) return [];
  throw error;
}

function undefinedIfMissing(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  throw error;
}
