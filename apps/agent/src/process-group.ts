import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** A process group by its leader: the pid alone could by now belong to someone else. */
export type ProcessGroup = { readonly pid: number; readonly birth: string };

const run = promisify(execFile);

/** Names the group of a child that was started detached; `birth` is "" when the process is already gone. */
export async function identifyGroup(pid: number): Promise<ProcessGroup> {
  return { pid, birth: (await birthOf(pid)) ?? "" };
}

/** Signals every process of the group. False when none is left. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal);
  } catch (error) {
    if (isErrno(error, "ESRCH")) return false;
    // EPERM: what is left of the group belongs to another user, or (macOS) is a zombie. Nothing more can be done.
    if (isErrno(error, "EPERM")) return false;
    throw error;
  }
}

/**
 * Kills what a predecessor left running, unless the machine was restarted or the pid went to a younger process. A group
 * whose leader is gone may still have members. True when something was killed.
 */
export async function killSurvivors(group: ProcessGroup): Promise<boolean> {
  const birth = await birthOf(group.pid);
  const isSame =
    birth === undefined ? sameBoot(group.birth, await bootId()) : birth === group.birth;
  return isSame && signalGroup(group.pid, "SIGKILL");
}

/** When the process started, in a form that differs between boots; undefined when there is none. */
async function birthOf(pid: number): Promise<string | undefined> {
  if (process.platform !== "linux") return birthFromPs(pid);
  try {
    const status = await readFile(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold spaces; the start time is the 20th field after it.
    return `${await bootId()}:${status.slice(status.lastIndexOf(")") + 2).split(" ")[19]}`;
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ESRCH")) return undefined;
    throw error;
  }
}

async function bootId(): Promise<string> {
  if (process.platform !== "linux") return "";
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
}

function sameBoot(birth: string, boot: string): boolean {
  return boot !== "" && birth.startsWith(`${boot}:`);
}

async function birthFromPs(pid: number): Promise<string | undefined> {
  try {
    return (await run("ps", ["-o", "lstart=", "-p", String(pid)])).stdout.trim();
  } catch {
    return undefined; // ps exits with 1 when there is no such process
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
