import { execFile } from "node:child_process";
import { mkdir, readFile, rm, rmdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { DownbeatError } from "@downbeat/contract";
import { z } from "zod";

const Holder = z.object({ pid: z.int(), startedAt: z.string() });
type Holder = z.infer<typeof Holder>;

const takeoverLimitMs = 10_000;

/**
 * Takes the lock file beside a data directory. A lock whose process is dead, or whose process id now belongs to another
 * program, is taken over. Returns what releases it.
 *
 * @throws DownbeatError `data_directory_in_use` naming the directory and the process that has it.
 */
export async function lockDataDirectory(dataDir: string): Promise<() => Promise<void>> {
  const directory = path.resolve(dataDir);
  const lockFile = `${directory}.lock`;
  const me: Holder = {
    pid: process.pid,
    startedAt: (await processStart(process.pid)) ?? "unknown",
  };
  if (!(await writeNew(lockFile, me))) await takeOver(lockFile, me, directory);
  return () => rm(lockFile, { force: true });
}

// Two processes may find the same stale lock. The one that makes the guard directory looks again and replaces it.
async function takeOver(lockFile: string, me: Holder, directory: string): Promise<void> {
  const releaseGuard = await takeGuard(`${lockFile}.takeover`);
  try {
    const holder = await readHolder(lockFile);
    if (holder !== undefined && (await isAlive(holder))) throw inUse(directory, holder.pid);
    await rm(lockFile, { force: true });
    if (await writeNew(lockFile, me)) return;
    throw inUse(directory, (await readHolder(lockFile))?.pid);
  } finally {
    await releaseGuard();
  }
}

async function takeGuard(guard: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      await mkdir(guard);
      return () => rmdir(guard);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      await removeAbandoned(guard);
      await pause(20);
    }
  }
}

async function removeAbandoned(guard: string): Promise<void> {
  try {
    if (Date.now() - (await stat(guard)).mtimeMs > takeoverLimitMs) await rmdir(guard);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

async function writeNew(lockFile: string, holder: Holder): Promise<boolean> {
  try {
    await writeFile(lockFile, JSON.stringify(holder), { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

// Undefined for a lock that is gone, or half written by a process that died: both are free to take.
async function readHolder(lockFile: string): Promise<Holder | undefined> {
  try {
    return Holder.safeParse(JSON.parse(await readFile(lockFile, "utf8"))).data;
  } catch (error) {
    if (codeOf(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (codeOf(error) === "ESRCH") return false;
  }
  // The id may have been given to another program since; when the system does not say, the lock is respected.
  const startedAt = await processStart(holder.pid);
  return (
    startedAt === undefined || holder.startedAt === "unknown" || startedAt === holder.startedAt
  );
}

async function processStart(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === "linux") {
      const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ").at(-1)?.split(" ");
      // Killed, and its parent has not looked yet: it holds nothing any more.
      if (fields?.[0] === "Z") return "ended";
      return fields?.[19]; // field 22, "starttime", in ticks since boot
    }
    const { stdout } = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)]);
    return stdout.trim() || undefined;
  } catch {
    return undefined; // no such process, or no way to ask: the caller decides on the id alone
  }
}

function inUse(directory: string, pid: number | undefined): DownbeatError {
  const by = pid === undefined ? "another process" : `process ${pid}`;
  return new DownbeatError("data_directory_in_use", {
    message: `The data directory ${directory} is in use by ${by}.`,
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
