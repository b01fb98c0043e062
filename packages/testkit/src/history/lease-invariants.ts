import type { Evidence, Invariant } from "./invariant.ts";
import { tenuresOf, type Tenure } from "./final-state.ts";
import { answered } from "./history-log.ts";

/** What must hold for leases: who may write, and how many there may be. */
export const leaseInvariants = {
  no_stale_write: noStaleWrite,
  pool_limit_holds: poolLimitHolds,
  ended_session_holds_nothing: endedSessionHoldsNothing,
  lapsed_session_holds_nothing: lapsedSessionHoldsNothing,
} satisfies Record<string, Invariant>;

/** The row that a report made carries the run's epoch at that moment; it must be the one the agent showed. */
function noStaleWrite({ entries, state }: Evidence): string[] {
  const tokens = tokensOf({ entries, state });
  const rows = new Map(
    state.runs.flatMap(({ runId, history }) =>
      history.map((row) => [`${runId} ${row.transitionId}`, row] as const),
    ),
  );
  return answered(entries, "report").flatMap(({ input, output, actor }) =>
    input.items.flatMap(({ runId, epoch, leaseToken, transitionId, type }, at) => {
      if (output.statuses[at] !== "accepted") return [];
      const said = `${actor} wrote ${type} to the run ${runId} under epoch ${epoch}`;
      const current = rows.get(`${runId} ${transitionId}`)?.epoch ?? epoch;
      if (current !== epoch) return [`${said} when epoch ${current} owned it.`];
      const issued = tokens.get(`${runId} ${epoch}`) ?? leaseToken;
      return issued === leaseToken ? [] : [`${said} with a lease token that was never issued.`];
    }),
  );
}

/** The token of each (run, epoch), as far as anyone saw it. */
function tokensOf({ entries, state }: Pick<Evidence, "entries" | "state">): Map<string, string> {
  const claimed = answered(entries, "claim").flatMap(({ output }) => output.leases);
  return new Map(
    [...claimed, ...(state.grants ?? [])].map(({ runId, epoch, leaseToken }) => [
      `${runId} ${epoch}`,
      leaseToken,
    ]),
  );
}

function poolLimitHolds({ state }: Evidence): string[] {
  return [...state.poolLimits].flatMap(([poolId, limit]) => {
    const inPool = state.runs.filter((run) => run.poolId === poolId);
    const peak = mostAtOnce(inPool.flatMap((run) => tenuresOf(run, state.atMs)));
    return peak > limit
      ? [`The pool ${poolId} held ${peak} leases at once; ${limit} are allowed.`]
      : [];
  });
}

function endedSessionHoldsNothing({ state }: Evidence): string[] {
  const ended = new Map(
    state.sessions.flatMap(({ sessionId, endedAtMs }) =>
      endedAtMs === null ? [] : [[sessionId, endedAtMs] as const],
    ),
  );
  return state.runs
    .filter(({ sessionId, history }) => {
      const endedAtMs = ended.get(sessionId ?? "");
      return endedAtMs !== undefined && (history.at(-1)?.atMs ?? 0) <= state.atMs;
    })
    .map(({ runId, sessionId }) => `The run ${runId} is still held by ${sessionId}, which ended.`);
}

function lapsedSessionHoldsNothing({ state, windows }: Evidence): string[] {
  const latestMs = windows.reconnectWindowMs + windows.slackMs;
  const expiry = new Map(
    state.sessions.map(({ sessionId, leaseExpiresAtMs }) => [sessionId, leaseExpiresAtMs]),
  );
  return state.runs
    .filter(({ sessionId }) => (expiry.get(sessionId ?? "") ?? Infinity) + latestMs < state.atMs)
    .map(
      ({ runId, sessionId }) => `The run ${runId} is held by ${sessionId}, which lapsed long ago.`,
    );
}

/** The highest number of tenures that overlap. One that ends as another begins makes room for it. */
export function mostAtOnce(tenures: readonly Pick<Tenure, "fromMs" | "untilMs">[]): number {
  const steps = tenures.flatMap(({ fromMs, untilMs }) =>
    fromMs === untilMs ? [] : [[fromMs, 1] as const, [untilMs, -1] as const],
  );
  let held = 0;
  return steps
    .toSorted(([a, one], [b, other]) => a - b || one - other)
    .reduce((peak, [, change]) => Math.max(peak, (held += change)), 0);
}
