import { execFileSync } from "node:child_process";

/** Whether a process runs; one that is dead and only not yet reaped does not. */
export function isAlive(pid: number): boolean {
  try {
    return !execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).startsWith(
      "Z",
    );
  } catch {
    return false; // ps exits with 1 when there is no such process
  }
}
