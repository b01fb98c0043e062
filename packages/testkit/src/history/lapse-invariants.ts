import type { Evidence, Invariant } from "./check-history.ts";
import type { FinalRow } from "./final-state.ts";
import type { HistoryEntry } from "./history-log.ts";

/** What must hold when the plane takes an agent for gone. */
export const lapseInvariants = {
  lapse_has_a_cause: lapseHasACause,
  amnesty_after_downtime: amnestyAfterDowntime,
  restart_is_not_imagined: restartIsNotImagined,
} satisfies Record<string, Invariant>;

type Lapse = { readonly runId: string; readonly sessionId: string | undefined; readonly row: FinalRow };

const LAPSE_REASONS = new Set(["unreachable", "agent_lost"]);

/** An agent that lives, with a network that works, is never taken for gone: it beats often enough. */
function lapseHasACause({ entries, state, windows }: Evidence): string[] {
  const agents = new Map(state.sessions.map(({ sessionId, agentId }) => [sessionId, agentId]));
  const causes = Map.groupBy(entries.filter(isTrouble), ({ actor }) => actor);
  return lapses({ state }).flatMap(({ runId, sessionId, row }) => {
    const agentId = agents.get(sessionId ?? "");
    if (agentId === undefined) return [];
    const sinceMs = row.atMs - windows.leaseMs - windows.slackMs;
    const own = causes.get(agentId) ?? [];
    const plane = causes.get("plane") ?? [];
    const isExcused = isAway(own) || [...own, ...plane].some(({ atMs }) => atMs >= sinceMs && atMs <= row.atMs);
    if (isExcused) return [];
    return [`The run ${runId} became ${row.name} at ${row.atMs} ms although ${agentId} was well.`];

    function isAway(told: readonly HistoryEntry[]): boolean {
      const last = told.findLast(({ op, atMs }) => op === "process" && atMs <= row.atMs);
      return last?.op === "process" && last.input.is !== "resumed" && last.input.is !== "started";
    }
  });
}

function isTrouble(entry: HistoryEntry): boolean {
  if (entry.op === "plane" || entry.op === "process") return true;
  return entry.op === "heartbeat" && (entry.phase === "unknown" || entry.phase === "fail");
}

/** For one lease after the plane came back nobody is taken for gone: nobody could beat before. */
function amnestyAfterDowntime({ entries, state, windows }: Evidence): string[] {
  const ups = entries.filter((entry) => entry.op === "plane" && entry.input.is === "up");
  return lapses({ state }).flatMap(({ runId, row }) => {
    const up = ups.findLast(({ atMs }) => atMs <= row.atMs);
    if (up === undefined || row.atMs >= up.atMs + windows.leaseMs) return [];
    return [`The run ${runId} became ${row.name} ${row.atMs - up.atMs} ms after the plane came back.`];
  });
}

/** A run is closed for a restart of its agent only if the agent did restart. */
function restartIsNotImagined({ entries, state }: Evidence): string[] {
  const agents = new Map(state.sessions.map(({ sessionId, agentId }) => [sessionId, agentId]));
  const sessions = sessionsOf({ state });
  return state.runs.flatMap(({ runId, history }) =>
    history.flatMap((row, at) => {
      if (row.reason !== "agent_restarted") return [];
      const agentId = agents.get(sessions.get(`${runId} ${row.epoch}`) ?? "");
      const leasedAtMs = history.findLast(({ type, sequence }) => type === "PENDING" && sequence < at)?.atMs ?? 0;
      const isReal = entries.some(
        (entry) => entry.op === "process" && entry.actor === agentId && entry.atMs >= leasedAtMs &&
          entry.atMs <= row.atMs && (entry.input.is === "killed" || entry.input.is === "stopped"),
      );
      if (isReal || agentId === undefined) return [];
      return [`The run ${runId} was closed for a restart of ${agentId}, which never restarted.`];
    }),
  );
}

function lapses({ state }: Pick<Evidence, "state">): Lapse[] {
  const sessions = sessionsOf({ state });
  return state.runs.flatMap(({ runId, history }) =>
    history
      .filter(({ actorKind, reason }) => actorKind === "engine" && LAPSE_REASONS.has(reason))
      .map((row) => ({ runId, sessionId: sessions.get(`${runId} ${row.epoch}`), row })),
  );
}

function sessionsOf({ state }: Pick<Evidence, "state">): Map<string, string> {
  return new Map((state.grants ?? []).map(({ runId, epoch, sessionId }) => [`${runId} ${epoch}`, sessionId]));
}
