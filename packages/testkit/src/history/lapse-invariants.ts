import { groupBy } from "./group-by.ts";
import type { Evidence, Invariant } from "./invariant.ts";
import type { FinalRow } from "./final-state.ts";
import { answered, type HistoryEntry } from "./history-log.ts";

/** What must hold when the plane takes an agent for gone. */
export const lapseInvariants = {
  lapse_has_a_cause: lapseHasACause,
  amnesty_after_downtime: amnestyAfterDowntime,
  restart_is_not_imagined: restartIsNotImagined,
} satisfies Record<string, Invariant>;

type Lapse = {
  readonly runId: string;
  readonly sessionId: string | undefined;
  readonly row: FinalRow;
};

const LAPSE_REASONS = new Set(["unreachable", "agent_lost"]);

/** An agent that lives, with a network that works, is never taken for gone: it beats often enough. */
function lapseHasACause({ entries, state, windows }: Evidence): string[] {
  const agents = new Map(state.sessions.map(({ sessionId, agentId }) => [sessionId, agentId]));
  const causes = groupBy(entries.filter(isTrouble), ({ actor }) => actor);
  return lapses({ state }).flatMap(({ runId, sessionId, row }) => {
    const agentId = agents.get(sessionId ?? "");
    if (agentId === undefined) return [];
    const sinceMs = row.atMs - windows.leaseMs - windows.slackMs;
    const own = causes.get(agentId) ?? [];
    const plane = causes.get("plane") ?? [];
    const isExcused =
      isAway(own) || [...own, ...plane].some(({ atMs }) => atMs >= sinceMs && atMs <= row.atMs);
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
  // A restarted agent first delivers, then opens a session, and beats only then.
  const isVital = entry.op === "heartbeat" || entry.op === "report" || entry.op === "open_session";
  return isVital && (entry.phase === "unknown" || entry.phase === "fail");
}

/** For one lease after the plane came back nobody is taken for gone: nobody could beat before. */
function amnestyAfterDowntime({ entries, state, windows }: Evidence): string[] {
  const ups = entries.filter((entry) => entry.op === "plane" && entry.input.is === "up");
  return lapses({ state }).flatMap(({ runId, row }) => {
    const up = ups.findLast(({ atMs }) => atMs <= row.atMs);
    if (up === undefined || row.atMs >= up.atMs + windows.leaseMs) return [];
    return [
      `The run ${runId} became ${row.name} ${row.atMs - up.atMs} ms after the plane came back.`,
    ];
  });
}

/** A run that had begun is closed for a restart of its agent only if the process that opened the session is gone. */
function restartIsNotImagined({ entries, state }: Evidence): string[] {
  const agents = new Map(state.sessions.map(({ sessionId, agentId }) => [sessionId, agentId]));
  const openedAtMs = new Map(
    answered(entries, "open_session").map(({ output, atMs }) => [output.sessionId, atMs]),
  );
  const ends = entries.filter(isEndOfProcess);
  const sessions = sessionsOf({ state });
  return state.runs.flatMap(({ runId, history }) =>
    history.flatMap((row) => {
      const sessionId = sessions.get(`${runId} ${row.epoch}`) ?? "";
      const agentId = agents.get(sessionId);
      if (row.type !== "CRASHED" || row.reason !== "agent_restarted") return [];
      const sinceMs = openedAtMs.get(sessionId) ?? 0;
      if (agentId === undefined) return [];
      const isReal = ends.some(
        ({ actor, atMs }) => actor === agentId && atMs >= sinceMs && atMs <= row.atMs,
      );
      if (isReal) return [];
      return [`The run ${runId} was closed for a restart of ${agentId}, which never restarted.`];
    }),
  );
}

function isEndOfProcess(entry: HistoryEntry): boolean {
  return entry.op === "process" && (entry.input.is === "killed" || entry.input.is === "stopped");
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
  return new Map(
    (state.grants ?? []).map(({ runId, epoch, sessionId }) => [`${runId} ${epoch}`, sessionId]),
  );
}
