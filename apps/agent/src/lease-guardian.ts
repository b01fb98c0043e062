import { signalGroup } from "./process-group.ts";

/** What an agent tells the guardian of its exclusive runs. Instants are of the clock that a machine's processes share. */
export type ToGuardian =
  | { readonly type: "guard"; readonly pid: number }
  | { readonly type: "release"; readonly pid: number }
  | { readonly type: "renew"; readonly untilMs: number };

export type FromGuardian = { readonly type: "guarded" | "killed"; readonly pid: number };

/**
 * A process of its own, so that it still acts while the agent is stopped, starved or dead, and while user code never gives
 * its thread back: kills the process groups it guards when their lease has ended, or their agent.
 */
const guarded = new Set<number>();
let untilMs = 0;
let timer: NodeJS.Timeout | undefined;

process.on("message", (message: ToGuardian) => {
  if (message.type === "release") guarded.delete(message.pid);
  else if (message.type === "renew") untilMs = message.untilMs;
  else {
    guarded.add(message.pid);
    tell({ type: "guarded", pid: message.pid });
  }
  watch();
});
process.on("disconnect", () => {
  for (const pid of guarded) signalGroup(pid, "SIGKILL");
  process.exit();
});

function watch(): void {
  clearTimeout(timer);
  if (guarded.size === 0) return;
  const leftMs = untilMs - Number(process.hrtime.bigint() / 1_000_000n);
  if (leftMs > 0) timer = setTimeout(watch, leftMs);
  else killAll();
}

function killAll(): void {
  for (const pid of guarded) {
    signalGroup(pid, "SIGKILL");
    tell({ type: "killed", pid });
  }
  guarded.clear();
}

function tell(message: FromGuardian): void {
  // An agent that is gone hears nothing; "disconnect" follows.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
