import type { ClaimAnswer, ClaimRequest, LeasedRun } from "@downbeat/contract";
import {
  claimAlone,
  claimRuns,
  releaseRuns,
  type Claim,
  type ClaimedRuns as Claimed,
  type InWorkspace,
} from "@downbeat/db";
import { announceMoved } from "../../engine/announce-moved.ts";
import type { Baton, Hold, Wake } from "../../engine/claim-desk.ts";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";

/**
 * Claims work for a session, and holds the request while there is none. It is answered at once when work appears, when
 * one of the session's runs is to be cancelled (with nothing, early: the agent then sends a heartbeat), when a second
 * claim of the session comes in, and when the server stops. Waiting writes nothing.
 */
export async function claim(
  services: Services,
  ctx: RequestContext,
  body: ClaimRequest,
): Promise<ClaimAnswer> {
  const hold = services.claims.open(body.sessionId, body.claimRequestId);
  ctx.hungUp.tell(() => hold.ending.happen());
  try {
    const claimed = await claimOrWait(services, ctx, { body, hold });
    const { leases } = claimed;
    if (leases.length > 0 && ctx.hungUp.hasHappened)
      await giveBack(services, ctx, { hold, leases });
    return { ...claimed, drain: false };
  } finally {
    services.claims.done(hold);
  }
}

type ClaimedRuns = Pick<ClaimAnswer, "leases" | "deployments">;

const NOTHING: ClaimedRuns = { leases: [], deployments: [] };

type OpenClaim = { readonly body: ClaimRequest; readonly hold: Hold };

async function claimOrWait(
  services: Services,
  ctx: RequestContext,
  { body, hold }: OpenClaim,
): Promise<ClaimedRuns> {
  const { claims, config } = services;
  const { poolId = "" } = ctx.principal;
  const untilMs = deadlineFor(Math.min(body.waitSeconds, config.claimHoldSeconds) * 1000);
  let baton: Baton | undefined;
  let isKnownIdle = claims.isIdle(body.sessionId, poolId);
  for (;;) {
    // The wait begins before the look, or a run made in between would wake nobody.
    const wait = claims.beginWait(poolId, { untilMs, ending: hold.ending });
    try {
      const claimed = isKnownIdle ? NOTHING : await take(services, ctx, { body });
      if (claimed.leases.length > 0) return claimed;
      isKnownIdle = false;
      if (baton !== undefined) claims.passOn(poolId, baton);
      wait.stand(toClaim(ctx, body));
      const end = await wait.ended;
      if (end.kind !== "woken") return NOTHING;
      baton = end.token.baton;
      const claimedAhead = await takeAhead(services, ctx, { body, wake: end.token });
      if (claimedAhead.leases.length > 0) return claimedAhead;
    } finally {
      wait.cancel();
    }
  }
}

// Work that is just being made mostly is the simple case. What is not, and what fails (often because the making did), is
// looked at again the long way, under the same request id.
async function takeAhead(
  services: Services,
  ctx: RequestContext,
  { body, wake: { behind, given } }: { body: ClaimRequest; wake: Wake },
): Promise<ClaimedRuns> {
  if (given !== undefined) return remember(services, ctx, await given);
  if (behind === undefined) return NOTHING;
  return take(services, ctx, { body, behind }).catch((error: unknown) => {
    ctx.log.warn({ err: error }, "claiming what is just being made failed; looking again");
    return NOTHING;
  });
}

// Claims end together, up to a twentieth of their wait late: polls of idle agents then come in groups, and the process
// wakes up for each group and not for each agent. (An idle agent takes its poll for lost after a tenth.)
function deadlineFor(waitMs: number): number {
  const stepMs = Math.max(1, waitMs / 20);
  return Math.ceil((performance.now() + waitMs) / stepMs) * stepMs;
}

// A claim that a crash of the database undoes starts nothing: the start report, which does wait for the disk, is then
// refused (docs/adr/0007).
async function take(
  services: Services,
  ctx: RequestContext,
  { body, behind }: { body: ClaimRequest; behind?: InWorkspace },
): Promise<ClaimedRuns> {
  const { database, claims } = services;
  const { poolId = "" } = ctx.principal;
  const news = claims.newsOf(poolId);
  const asked = {
    ...toClaim(ctx, body),
    onLimited: () => claims.limitReached(poolId),
    onIdle: () => claims.noteIdle(body.sessionId, news),
  };
  const place = { workspaceId: ctx.workspaceId, flush: "later" } as const;
  const claimed = await (behind === undefined
    ? database.inWorkspace(place, (tx) => claimRuns(tx, asked))
    : behind(place, (tx) => claimAlone(tx, asked)));
  return remember(services, ctx, claimed);
}

function toClaim(
  { principal }: RequestContext,
  { sessionId, claimRequestId, max }: ClaimRequest,
): Claim {
  return { sessionId, claimRequestId, max, principalId: principal.id };
}

function remember(
  { runMemory }: Services,
  { principal, workspaceId }: RequestContext,
  { leases, deployments, sequences }: Claimed,
): ClaimedRuns {
  const holder = { kind: principal.kind, id: principal.id };
  leases.forEach(({ runId, epoch, leaseToken }, index) => {
    const sequence = sequences[index] ?? -1;
    runMemory.note(runId, { workspaceId, epoch, leaseToken, holder, type: "PENDING", sequence });
  });
  return { leases, deployments };
}

// Nobody is there to take the answer. A newer claim with the same id will be given these leases, so then they stay.
async function giveBack(
  services: Services,
  ctx: RequestContext,
  given: { hold: Hold; leases: LeasedRun[] },
): Promise<void> {
  const { database, claims } = services;
  const { hold, leases } = given;
  if (claims.isRepeated(hold)) return;
  const actor = { kind: ctx.principal.kind, id: ctx.principal.id };
  const release = { sessionId: hold.sessionId, runs: leases, actor };
  const released = await database.inWorkspace(ctx, (tx) => releaseRuns(tx, release));
  announceMoved(services, released);
  ctx.log.info(
    { sessionId: hold.sessionId, runs: released.length },
    "released what was claimed for a caller who hung up",
  );
}
