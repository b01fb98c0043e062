import { groupBy } from "./group-by.ts";
import type { Evidence, Invariant } from "./invariant.ts";
import { tenuresOf, type Grant, type Tenure } from "./final-state.ts";
import { answered } from "./history-log.ts";
import { mostAtOnce } from "./lease-invariants.ts";

/** What must hold for grants; unchecked where the plane's record of them cannot be had. */
export const grantInvariants = {
  session_capacity_holds: sessionCapacityHolds,
  claim_is_granted_once: claimIsGrantedOnce,
  no_lease_is_held_by_nobody: noLeaseIsHeldByNobody,
} satisfies Record<string, Invariant>;

type Held = Grant & Pick<Tenure, "fromMs" | "untilMs">;

function sessionCapacityHolds({ state }: Evidence): string[] {
  const held = groupBy(heldGrants({ state }), ({ sessionId }) => sessionId);
  return state.sessions.flatMap(({ sessionId, capacity }) => {
    const peak = mostAtOnce(held.get(sessionId) ?? []);
    return peak > capacity
      ? [`${sessionId} held ${peak} leases at once; ${capacity} are allowed.`]
      : [];
  });
}

/** A claim that is repeated is answered with what it was given, as long as any of that is still held. */
function claimIsGrantedOnce({ state }: Evidence): string[] {
  const claims = groupBy(
    heldGrants({ state }),
    (grant) => `${grant.sessionId} ${grant.claimRequestId}`,
  );
  return [...claims].flatMap(([claim, grants]) => {
    const again = grants.find((grant) =>
      grants.some((first) => first.fromMs < grant.fromMs && grant.fromMs < first.untilMs),
    );
    return again === undefined ? [] : [`The claim ${claim} was granted ${again.runId} on top.`];
  });
}

/** A lease whose grant reached nobody must return to the queue soon. */
function noLeaseIsHeldByNobody({ entries, state, windows }: Evidence): string[] {
  const heard = new Set(
    answered(entries, "claim").flatMap(({ output }) =>
      output.leases.map(({ runId, epoch }) => `${runId} ${epoch}`),
    ),
  );
  // One lease until a beat may judge it, and another until the session lapses if that beat never comes.
  const longestMs = 2 * windows.leaseMs + windows.slackMs;
  return heldGrants({ state })
    .filter(({ runId, epoch }) => !heard.has(`${runId} ${epoch}`))
    .filter(
      ({ fromMs, untilMs }) =>
        untilMs - fromMs > longestMs + planeAwayMs(entries, fromMs, untilMs, longestMs),
    )
    .map(
      ({ runId, epoch, fromMs, untilMs }) =>
        `The run ${runId}, epoch ${epoch}, was held by nobody for ${untilMs - fromMs} ms.`,
    );
}

// While the plane is away nobody is kept waiting by a lease; after it, the sweep rests for another lease.
function planeAwayMs(
  entries: Evidence["entries"],
  fromMs: number,
  untilMs: number,
  restMs: number,
): number {
  let awayMs = 0;
  let downSinceMs: number | undefined;
  for (const { atMs, input } of answered(entries, "plane")) {
    if (input.is === "down") downSinceMs = atMs;
    else {
      const overlapMs = Math.min(atMs, untilMs) - Math.max(downSinceMs ?? atMs, fromMs);
      if (overlapMs > 0 || (atMs > fromMs && atMs < untilMs))
        awayMs += Math.max(0, overlapMs) + restMs;
      downSinceMs = undefined;
    }
  }
  return awayMs;
}

function heldGrants({ state }: Pick<Evidence, "state">): Held[] {
  if (state.grants === undefined) return [];
  const tenures = new Map(
    state.runs.flatMap((run) =>
      tenuresOf(run, state.atMs).map((tenure) => [`${run.runId} ${tenure.epoch}`, tenure] as const),
    ),
  );
  return state.grants.flatMap((grant) => {
    const tenure = tenures.get(`${grant.runId} ${grant.epoch}`);
    return tenure === undefined
      ? []
      : [{ ...grant, fromMs: tenure.fromMs, untilMs: tenure.untilMs }];
  });
}
