import {
  isTerminal,
  type Actor,
  type ReportItem,
  type ReportOutcome,
  type TransitionItem,
} from "@downbeat/contract";
import { decideTransitions, type Proposal } from "@downbeat/core";
import type {
  ArtifactRow,
  LockedRun,
  LogChunkRow,
  LogManifestRow,
  MetricRow,
  TaskRunRow,
  Transition,
} from "@downbeat/db";

/** A workspace's runs as they stand, locked, and the time of the decision. */
export type Standing = {
  readonly workspaceId: string;
  readonly runs: ReadonlyMap<string, LockedRun>;
  /** By token: leases of earlier attempts, among those that the reports show. */
  readonly formerLeases: ReadonlyMap<string, { readonly runId: string; readonly epoch: number }>;
  readonly now: Date;
};

/** What to write for a batch of reports, and what to answer. */
export type Decision = {
  /** One list per submission, one outcome per item. */
  readonly outcomes: ReportOutcome[][];
  readonly transitions: readonly Transition[];
  readonly told: Told;
  readonly endedRunIds: readonly string[];
  /** Pools in which a run became claimable again, once per run. */
  readonly claimablePoolIds: readonly string[];
};

/** What agents tell beside transitions, by kind. */
export type Told = {
  readonly task_run: TaskRunRow[];
  readonly log: LogChunkRow[];
  readonly log_manifest: LogManifestRow[];
  readonly artifact: ArtifactRow[];
  readonly metric: MetricRow[];
};

type Submission = { readonly actor: Actor; readonly items: readonly ReportItem[] };
type Place = { readonly submission: number; readonly item: number };
type Proposed = Place & { readonly actor: Actor; readonly asked: TransitionItem };

const FENCED: ReportOutcome = { status: "fenced", state: null, waitSeconds: null };

/**
 * Decides reports about locked runs, in order. Transitions go by the rules of `core`. Everything else is taken for any
 * lease whose epoch and token match, also after its end and when another attempt has followed: it belongs to what
 * happened before.
 */
export function decideReports(standing: Standing, submissions: readonly Submission[]): Decision {
  const { runs, formerLeases } = standing;
  const outcomes = submissions.map(({ items }) => items.map(() => FENCED));
  const told: Told = { task_run: [], log: [], log_manifest: [], artifact: [], metric: [] };
  const proposals = new Map<string, Proposed[]>();
  const answer = (place: Place, outcome: ReportOutcome): void => {
    const answers = outcomes[place.submission];
    if (answers !== undefined) answers[place.item] = outcome;
  };
  submissions.forEach(({ actor, items }, submission) => {
    items.forEach((asked, item) => {
      const run = runs.get(asked.runId);
      if (run === undefined) return;
      if (asked.kind === "transition") {
        const proposal = { submission, item, actor, asked };
        const ofRun = proposals.get(asked.runId);
        if (ofRun === undefined) proposals.set(asked.runId, [proposal]);
        else ofRun.push(proposal);
        return;
      }
      if (!holdsLease(run, asked) && !heldLease(formerLeases, asked))
        return answer({ submission, item }, { ...FENCED, state: run.state });
      (told[asked.kind] as (typeof asked)[]).push(asked);
      answer({ submission, item }, { status: "accepted", state: null, waitSeconds: null });
    });
  });
  const decided = [...proposals].map(([runId, proposed]) =>
    decideRun(runs.get(runId), proposed, { answer, ...standing }),
  );
  return { outcomes, told, ...consequences(runs, decided.flat()) };
}

/** Whether an item shows the lease that is, or was last, the run's. */
export function holdsLease(run: LockedRun, { epoch, leaseToken }: ReportItem): boolean {
  return run.leaseToken !== null && run.epoch === epoch && run.leaseToken === leaseToken;
}

function heldLease(
  formerLeases: Standing["formerLeases"],
  { runId, epoch, leaseToken }: ReportItem,
): boolean {
  const former = formerLeases.get(leaseToken);
  return former?.runId === runId && former.epoch === epoch;
}

const ENGINE: Actor = { kind: "engine", id: null };

type Deciding = Standing & { readonly answer: (place: Place, outcome: ReportOutcome) => void };

function decideRun(
  run: LockedRun | undefined,
  proposed: readonly Proposed[],
  { answer, now, workspaceId }: Deciding,
): Transition[] {
  if (run === undefined) return [];
  const { outcomes, accepted } = decideTransitions(run, proposed.map(toProposal), now);
  outcomes.forEach((outcome, index) => {
    const place = proposed[index];
    if (place !== undefined) answer(place, outcome);
  });
  const actorOf = (transitionId: string): Actor =>
    proposed.find(({ asked }) => asked.transitionId === transitionId)?.actor ?? ENGINE;
  const { runId, epoch } = run;
  return accepted.map((transition) => {
    const actor = actorOf(transition.transitionId);
    return { ...transition, runId, workspaceId, epoch, actor };
  });
}

function toProposal({ asked }: Proposed): Proposal {
  const { epoch, leaseToken, ...proposed } = asked;
  const { transitionId, type, name, reason, error, pause, result, emptyLog } = proposed;
  return {
    proposer: "agent",
    fence: { epoch, leaseToken },
    transitionId,
    type,
    name,
    reason,
    error,
    pause,
    result,
    emptyLog,
  };
}

function consequences(
  runs: ReadonlyMap<string, LockedRun>,
  transitions: readonly Transition[],
): Pick<Decision, "transitions" | "endedRunIds" | "claimablePoolIds"> {
  const ended = transitions.filter(({ state }) => isTerminal(state.type));
  const claimable = transitions.filter(({ state }) => state.type === "SCHEDULED");
  return {
    transitions,
    endedRunIds: ended.map(({ runId }) => runId),
    claimablePoolIds: claimable.flatMap(({ runId }) => runs.get(runId)?.poolId ?? []),
  };
}
