import type { MemoryRun, Move } from "./memory-run.ts";
import type { SweepTimes } from "./store.ts";

type Held = {
  readonly run: MemoryRun;
  readonly session: { readonly leaseExpiresAtMs: number; readonly endedAtMs: number | null };
  readonly times: SweepTimes;
  readonly nowMs: number;
};

/** What the sweep makes of a run that a session holds; undefined when it stays as it is. */
export function verdictOf({
  run,
  session,
  times,
  nowMs,
}: Held): Omit<Move, "transitionId"> | undefined {
  const isLapsed = session.endedAtMs !== null || session.leaseExpiresAtMs <= nowMs;
  const isLost = isLapsed && session.leaseExpiresAtMs + times.reconnectWindowMs <= nowMs;
  const { type, name } = run.state;
  const cancelByMs = (run.cancelRequestedAtMs ?? Infinity) + times.cancelDeadlineMs;
  if (type === "CANCELLING" && cancelByMs <= nowMs)
    return { type: "CANCELLED", name: "Cancelled", reason: "cancel_deadline" };
  if (type === "PENDING" && isLapsed)
    return { type: "SCHEDULED", name: "Scheduled", reason: "unreachable" };
  if ((type === "RUNNING" || type === "PAUSED") && isLost)
    return { type: "CRASHED", name: "Crashed", reason: "agent_lost" };
  if (type === "RUNNING" && isLapsed && name !== "Unreachable")
    return { type: "RUNNING", name: "Unreachable", reason: "unreachable" };
  if (type === "RUNNING" && !isLapsed && name === "Unreachable")
    return { type: "RUNNING", name: "Running", reason: "reconnected" };
  return undefined;
}
