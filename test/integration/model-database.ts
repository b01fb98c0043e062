import { type Actor, isDownbeatError } from "@downbeat/contract";
import { cancelStep, decideTransitions, resumeStep, type Proposal } from "@downbeat/core";
import {
  applyTransitions,
  claimAlone,
  claimRuns,
  completeExpectedRuns,
  createRuns,
  endSessions,
  findTaken,
  heartbeat,
  insertLeasedRun,
  type LockedRun,
  lockRuns,
  markLate,
  type MovedRun,
  openSession,
  releaseRuns,
  startExpectedRuns,
  storeRunInput,
  sweepPauses,
  sweepSessions,
  type ClaimedRuns,
  type CreatedRun,
  type Database,
  type NewRun,
  type Tx,
} from "@downbeat/db";
import { randomUUID } from "node:crypto";
import type {
  Created,
  Leased,
  Moved,
  NewDueRun,
  Outcome,
  ReportedTransition,
  Resume,
  Store,
} from "../simulation/store.ts";
import { aNewRun, type Fixture } from "./db-fixture.ts";

const FENCED: Outcome = { status: "fenced", stands: null };

/** The real database behind the interface of the simulated store, as apps/api uses it. */
export function databaseStore(database: Database, fixture: Fixture): Store {
  const { inside, workspaceId } = fixture;
  const sequences = new Map<string, number>();
  let claims = 0;
  const engine = async (work: () => Promise<MovedRun[]>): Promise<Moved[]> =>
    (await work()).filter((it) => it.workspaceId === workspaceId).map(toMoved);
  const toLeased = ({ leases, sequences: claimed }: ClaimedRuns): Leased[] => {
    leases.forEach(({ leaseToken }, at) => sequences.set(leaseToken, claimed[at] ?? -1));
    return leases.map(({ runId, epoch, leaseToken, inputs }) => {
      return { runId, epoch, leaseToken, inputs: inputs.map(({ key }) => key) };
    });
  };
  return {
    createRun: async (given, nowMs) => {
      const [created] = await inside((tx) => createRuns(tx, [toRow(given)], new Date(nowMs)));
      return toCreated(created);
    },
    createRunFor: async (given, { agentId, ...claim }, nowMs) => {
      const asked = { ...claim, principalId: agentId, now: new Date(nowMs) };
      const row = toRow(given);
      const { inserted, claimed } = await inside((tx) => insertLeasedRun(tx, row, asked));
      const [created] = await inside((tx) => findTaken(tx, [row], [inserted]));
      return { created: toCreated(created), leases: toLeased(claimed) };
    },
    openSession: ({ agentId, poolId, capacity, leaseMs }, nowMs) =>
      inside((tx) =>
        openSession(tx, {
          owner: { agentId },
          poolId,
          capacity,
          leaseSeconds: leaseMs / 1000,
          now: new Date(nowMs),
        }),
      ),
    claimRuns: async ({ agentId, ...claim }, nowMs) => {
      try {
        const asked = { ...claim, principalId: agentId, now: new Date(nowMs) };
        claims += 1;
        const alone = claims % 2 === 0 && (await inside((tx) => claimAlone(tx, asked)));
        const isTaken = alone && alone.leases.length > 0;
        return toLeased(isTaken ? alone : await inside((tx) => claimRuns(tx, asked)));
      } catch (error) {
        if (isDownbeatError(error) && error.code === "session_ended") return "session_ended";
        throw error;
      }
    },
    report: async (items, actor, nowMs) => {
      const [item] = items;
      const written =
        items.length === 1 && item !== undefined
          ? await inside((tx) => writeExpected(tx, item, { sequences, actor, nowMs }))
          : undefined;
      return written ?? inside((tx) => report(tx, items, { actor, nowMs }));
    },
    heartbeat: async ({ sessionId, agentId, tick }, leaseMs, nowMs) => {
      const options = { leaseSeconds: leaseMs / 1000, now: new Date(nowMs) };
      const beats = [{ sessionId, principalId: agentId, tick }];
      const [answer] = await inside((tx) => heartbeat(tx, beats, options));
      const owned = answer?.ownedRuns ?? [];
      return {
        open: answer?.open ?? false,
        renewed: answer?.renewed ?? false,
        owned: owned.map(({ runId, epoch, stateType }) => ({ runId, epoch, type: stateType })),
      };
    },
    releaseRuns: async (release, nowMs) =>
      (await inside((tx) => releaseRuns(tx, { ...release, now: new Date(nowMs) }))).map(toMoved),
    endSessions: async ({ sessionIds, agentId, actor }, nowMs) => {
      const end = { sessionIds, principalId: agentId, actor, now: new Date(nowMs) };
      return (await inside((tx) => endSessions(tx, end))).map(toMoved);
    },
    cancelRun: (runId, actor, nowMs) => inside((tx) => cancel(tx, runId, { actor, nowMs })),
    resumeRun: (asked, actor, nowMs) => inside((tx) => resume(tx, asked, { actor, nowMs })),
    sweepPauses: (nowMs) =>
      engine(() =>
        database.asEngine((tx) => sweepPauses(tx, { limit: 10_000, now: new Date(nowMs) })),
      ),
    sweep: ({ reconnectWindowMs, cancelDeadlineMs }, nowMs) =>
      engine(() =>
        database.asEngine((tx) =>
          sweepSessions(tx, {
            reconnectWindowSeconds: reconnectWindowMs / 1000,
            cancelDeadlineSeconds: cancelDeadlineMs / 1000,
            limit: 10_000,
            now: new Date(nowMs),
          }),
        ),
      ),
    markLate: (lateAfterMs, nowMs) =>
      engine(() =>
        database.asEngine((tx) =>
          markLate(tx, {
            lateAfterSeconds: lateAfterMs / 1000,
            limit: 10_000,
            now: new Date(nowMs),
          }),
        ),
      ),
  };
}

function toRow({ key, requestHash, scheduledForMs, actor }: NewDueRun): NewRun {
  const scheduledFor = scheduledForMs === null ? null : new Date(scheduledForMs).toISOString();
  return aNewRun({ idempotencyKey: key, requestHash, scheduledFor, createdBy: actor });
}

function toCreated(created: CreatedRun | undefined): Created {
  if (created === undefined || created.status === "unknown") throw new Error("No deployment.");
  if (created.status === "mismatch") return { status: "mismatch" };
  return { status: created.status, runId: created.runId };
}

const EXPECTED = { Running: startExpectedRuns, Completed: completeExpectedRuns } as const;

// Whatever has become of the run since its claim, so most often wrong: the statement is to notice.
async function writeExpected(
  tx: Tx,
  { runId, epoch, leaseToken, transitionId, type, name }: ReportedTransition,
  { sequences, actor, nowMs }: By & { readonly sequences: ReadonlyMap<string, number> },
): Promise<Outcome[] | undefined> {
  if (name !== "Running" && name !== "Completed") return undefined;
  const sequence = (sequences.get(leaseToken) ?? -1) + (name === "Running" ? 1 : 2);
  const step = { runId, epoch, leaseToken, transitionId, sequence, actor, result: null };
  const written = await EXPECTED[name](tx, [step], new Date(nowMs).toISOString());
  return written === 1 ? [{ status: "accepted", stands: type }] : undefined;
}

type By = { readonly actor: Actor; readonly nowMs: number };

async function report(tx: Tx, items: readonly ReportedTransition[], by: By): Promise<Outcome[]> {
  const runs = await lockRuns(
    tx,
    items.map(({ runId }) => runId),
  );
  const outcomes = items.map(() => FENCED);
  for (const [runId, run] of runs) {
    const places = items.flatMap((item, at) => (item.runId === runId ? [{ item, at }] : []));
    const proposals = places.map(({ item }) => toProposal(item));
    const decided = await decide(tx, { run, proposals }, by);
    places.forEach(({ at }, index) => (outcomes[at] = decided[index] ?? FENCED));
  }
  return outcomes;
}

function toProposal({ epoch, leaseToken, ...step }: ReportedTransition) {
  const { transitionId, type, name, reason, pause } = step;
  const asked = { transitionId, type, name, reason, pause, error: null };
  return { proposer: "agent", fence: { epoch, leaseToken }, ...asked } as const;
}

async function cancel(tx: Tx, runId: string, by: By): Promise<Outcome> {
  const run = (await lockRuns(tx, [runId])).get(runId);
  if (run === undefined) return { status: "not_found", stands: null };
  const step = cancelStep({ isHeld: run.sessionId !== null, epoch: run.epoch });
  const transitionId = randomUUID();
  const proposal = { ...step, proposer: "person", transitionId, error: null } as const;
  const [outcome] = await decide(tx, { run, proposals: [proposal] }, by);
  const stands = outcome?.stands ?? run.state.type;
  const isCancelled = stands === "CANCELLING" || stands === "CANCELLED";
  return { status: isCancelled ? "accepted" : "rejected", stands };
}

async function resume(tx: Tx, { runId, point }: Resume, by: By): Promise<Outcome> {
  const run = (await lockRuns(tx, [runId])).get(runId);
  if (run?.pause?.key !== point) return { status: "rejected", stands: run?.state.type ?? null };
  const step = resumeStep({ isHeld: run.sessionId !== null });
  const transitionId = randomUUID();
  const proposal = { ...step, proposer: "person", transitionId, error: null } as const;
  const [outcome] = await decide(tx, { run, proposals: [proposal] }, by);
  if (outcome?.status !== "accepted") return { status: "rejected", stands: run.state.type };
  await storeRunInput(tx, { runId, key: point, input: null, signature: null });
  return outcome;
}

async function decide(
  tx: Tx,
  { run, proposals }: { run: LockedRun; proposals: readonly Proposal[] },
  { actor, nowMs }: By,
): Promise<Outcome[]> {
  const { outcomes, accepted } = decideTransitions(run, proposals, new Date(nowMs));
  const { runId, epoch } = run;
  const { workspaceId } = tx;
  await applyTransitions(
    tx,
    accepted.map((transition) => ({ ...transition, runId, workspaceId, epoch, actor })),
    { now: new Date(nowMs) },
  );
  return outcomes.map(({ status, state }) => ({ status, stands: state?.type ?? null }));
}

function toMoved({ runId, type, name, reason }: MovedRun): Moved {
  return { runId, type, name, reason };
}
