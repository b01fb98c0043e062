import { mkdir, open, readFile, rm } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DownbeatError } from "@downbeat/contract";

export type HomeLock = { release(): Promise<void> };

/**
 * Makes this process the only supervisor of a home directory. A lock whose process is gone is taken over.
 *
 * @throws {DownbeatError} `data_directory_in_use`, naming the process
 */
export async function lockHome(home: string): Promise<HomeLock> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const path = join(home, "dev.lock");
  for (let attempt = 0; attempt < 3; attempt += 1) {
    if (await claim(path)) return { release: () => rm(path, { force: true }) };
    const owner = await readOwner(path);
    if (owner !== undefined && isSameProcess(owner)) throw inUse(home, owner.pid);
    await rm(path, { force: true });
  }
  throw inUse(home, undefined);
}

type Owner = { pid: number; startedAt: string | null };

async function claim(path: string): Promise<boolean> {
  try {
    const file = await open(path, "wx", 0o600);
    await file.writeFile(
      JSON.stringify({ pid: process.pid, startedAt: startTimeOf(process.pid) } satisfies Owner),
    );
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Owner;
  } catch {
    return undefined; // removed meanwhile, or its writer died half-way: free to take
  }
}

/** A process id is reused after a while; together with its start time it is not. */
function isSameProcess({ pid, startedAt }: Owner): boolean {
  return isAlive(pid) && (startedAt === null || startTimeOf(pid) === startedAt);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Field 22 of /proc/<pid>/stat, counted after the name, which may hold spaces; null where there is no /proc. */
function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

function inUse(home: string, pid: number | undefined): DownbeatError {
  const owner = pid === undefined ? "another process" : `process ${pid}`;
  return new DownbeatError("data_directory_in_use", {
    message: `Downbeat already runs in ${home} (${owner}).`,
  });
}
