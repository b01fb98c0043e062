import type { Actor, ReportItem, StateType, TransitionItem } from "@downbeat/contract";
import { ruleFor } from "@downbeat/core";
import {
  completeExpectedRuns,
  freeEndedSlots,
  startExpectedRuns,
  type ExpectedCompletion,
  type ExpectedStep,
  type Tx,
} from "@downbeat/db";
import type { RememberedRun } from "../../engine/run-memory.ts";

/**
 * The two steps that nearly every run takes, and what writes them, as the last of a transaction, for runs that nobody has
 * read or locked.
 */
export const EXPECTED_STEPS = {
  start: {
    from: "PENDING",
    type: "RUNNING",
    name: "Running",
    reason: "started",
    write: writeStarts,
  },
  completion: {
    from: "RUNNING",
    type: "COMPLETED",
    name: "Completed",
    reason: "completed",
    write: writeCompletions,
  },
} as const;

export type StepKind = keyof typeof EXPECTED_STEPS;

/** A report that is nothing but such a step of its run. */
export function isStep(kind: StepKind, item: ReportItem): item is TransitionItem {
  const { type, name, reason } = EXPECTED_STEPS[kind];
  return (
    item.kind === "transition" &&
    item.type === type &&
    item.name === name &&
    item.reason === reason &&
    item.error === null &&
    item.pause === undefined &&
    (item.result === undefined || kind === "completion")
  );
}

/** Whether the rules accept the step for the run as it is remembered, under the lease that the report shows. */
export function isExpected(
  kind: StepKind,
  { epoch, leaseToken }: TransitionItem,
  run: RememberedRun | undefined,
): boolean {
  return (
    run?.type === EXPECTED_STEPS[kind].from &&
    run.epoch === epoch &&
    run.leaseToken === leaseToken &&
    isAccepted(run.type, EXPECTED_STEPS[kind].type)
  );
}

/** Whether it claimed the run: the history of runs whose steps have no row of their own names nobody else. */
export function isHeldBy({ kind, id }: Actor, run: RememberedRun | undefined): boolean {
  return run?.holder.kind === kind && run.holder.id === id;
}

function writeStarts(tx: Tx, steps: readonly ExpectedStep[], at: string): Promise<number> {
  tx.ends();
  return startExpectedRuns(tx, steps, at);
}

// Both are sent before either is answered, and the commit with them.
async function writeCompletions(
  tx: Tx,
  steps: readonly ExpectedCompletion[],
  at: string,
): Promise<number> {
  const completing = completeExpectedRuns(tx, steps, at);
  tx.ends();
  const runIds = steps.map(({ runId }) => runId);
  const [written] = await Promise.all([completing, freeEndedSlots(tx, runIds)]);
  return written;
}

function isAccepted(from: StateType, to: StateType): boolean {
  const verdict = ruleFor(from, to, "agent");
  return verdict.kind === "accept" && verdict.becomes === to;
}
