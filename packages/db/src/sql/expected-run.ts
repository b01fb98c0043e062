import type { Actor } from "@downbeat/contract";
import { plainColumn } from "../array-literal.ts";
import { plainBatchColumn, type BatchColumn } from "../batch-column.ts";

/** A step of a run that has not been locked: written only if the run still stands as whoever proposes it believes. */
export type ExpectedStep = {
  readonly runId: string;
  /** Of the history row to write: one above that of the run's last. */
  readonly sequence: number;
  /** The lease that must still hold the run. */
  readonly epoch: number;
  readonly leaseToken: string;
  readonly transitionId: string;
  /** Whoever claimed the run. */
  readonly actor: Actor;
};

export type StepColumns = {
  readonly runIds: string;
  readonly sequence: BatchColumn<number>;
  readonly epoch: BatchColumn<number>;
  readonly leaseTokens: string;
  readonly transitionIds: string;
  readonly actorKind: BatchColumn<string>;
  readonly actorId: BatchColumn<string>;
};

/** In order of run id, in which every statement locks rows. */
export function inLockOrder<T extends ExpectedStep>(steps: readonly T[]): T[] {
  return steps.toSorted((a, b) => (a.runId < b.runId ? -1 : 1));
}

export function stepColumns(steps: readonly ExpectedStep[]): StepColumns {
  return {
    runIds: plainColumn(steps.map(({ runId }) => runId)),
    sequence: plainBatchColumn(steps.map(({ sequence }) => sequence)),
    epoch: plainBatchColumn(steps.map(({ epoch }) => epoch)),
    leaseTokens: plainColumn(steps.map(({ leaseToken }) => leaseToken)),
    transitionIds: plainColumn(steps.map(({ transitionId }) => transitionId)),
    actorKind: plainBatchColumn(steps.map(({ actor }) => actor.kind)),
    actorId: plainBatchColumn(steps.map(({ actor }) => actor.id)),
  };
}
