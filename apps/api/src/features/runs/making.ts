import { DownbeatError, type Run } from "@downbeat/contract";
import {
  createRuns,
  enforceStrategies,
  type CreatedRun,
  type InsertedRun,
  type MovedRun,
  type NewRun,
  type Tx,
} from "@downbeat/db";
import { announceMoved } from "../../engine/announce-moved.ts";
import type { Services } from "../../services.ts";

// More than a full batch of creations can push out; whatever is left the engine finds.
const MOST_CANCELLED = 2000;

/** What became of one asked run. */
export type Made =
  /** `run` is null when it is not as it was just made, so that it has to be read. */
  { readonly runId: string; readonly run: (() => Run) | null } | { readonly error: DownbeatError };

/** What a transaction has made; {@link announceMade} tells those who wait, once it is committed. */
export type Making = {
  readonly created: readonly CreatedRun[];
  readonly moved: readonly MovedRun[];
  readonly made: readonly Made[];
  /** The pool in which somebody was woken before the commit. */
  readonly aheadIn?: string;
};

/** Makes runs in a transaction, and cancels those that go beyond the limit of a deployment that wants it so. */
export async function makeRuns(tx: Tx, rows: readonly NewRun[]): Promise<Making> {
  const created = await createRuns(tx, rows);
  return toMaking(rows, created, await enforceLimits(tx, created));
}

// A deployment may cancel runs by now that this process has seen when it did not.
export function isAllMade(inserted: readonly InsertedRun[]): inserted is readonly CreatedRun[] {
  return inserted.every(
    (answer) =>
      answer.status === "unknown" || (answer.status === "created" && answer.strategyOf === null),
  );
}

export function toMaking(
  rows: readonly NewRun[],
  created: readonly CreatedRun[],
  moved: readonly MovedRun[],
): Making {
  const cancelled = new Set(moved.map(({ runId }) => runId));
  const made = created.map((answer, index) => toMade(answer, { row: rows[index], cancelled }));
  return { created, moved, made };
}

// Runs planned for later are found by the claim poll when their time has come.
export function announceMade(services: Services, { created, moved, aheadIn }: Making): void {
  const perPool = new Map<string, number>();
  if (aheadIn !== undefined) perPool.set(aheadIn, -1);
  for (const answer of created) {
    if (answer.status !== "created" || !answer.isDue) continue;
    perPool.set(answer.poolId, (perPool.get(answer.poolId) ?? 0) + 1);
  }
  for (const [poolId, runs] of perPool) services.claims.announce(poolId, Math.max(0, runs));
  announceMoved(services, moved);
}

/** Cancels what goes beyond the limits of deployments that want it so. Nothing is sent unless one of them does. */
export function enforceLimits(tx: Tx, answers: readonly CreatedRun[]): Promise<MovedRun[]> {
  const deploymentIds = new Set(
    answers.flatMap((answer) => (answer.status === "created" && answer.strategyOf) || []),
  );
  if (deploymentIds.size === 0) return Promise.resolve([]);
  return enforceStrategies(tx, { deploymentIds: [...deploymentIds], limit: MOST_CANCELLED });
}

type Resolving = {
  readonly row: NewRun | undefined;
  /** Runs that their deployment's strategy has ended at once. */
  readonly cancelled: ReadonlySet<string>;
};

function toMade(answer: CreatedRun, { row, cancelled }: Resolving): Made {
  switch (answer.status) {
    case "created":
      return { runId: answer.runId, run: cancelled.has(answer.runId) ? null : answer.run };
    case "standing":
      return { runId: answer.runId, run: null };
    case "mismatch":
      return { error: mismatch(answer.runId) };
    case "unknown":
      return { error: unknownDeployment(row, answer.flowExists) };
  }
}

function mismatch(runId: string): DownbeatError {
  const message = `The idempotency key made the run ${runId} before, for another flow, deployment, time or tags.`;
  return new DownbeatError("idempotency_mismatch", { message });
}

function unknownDeployment(row: NewRun | undefined, flowExists: boolean): DownbeatError {
  const flow = `"${row?.flowName ?? ""}"`;
  const message = flowExists
    ? `The flow ${flow} has no deployment "${row?.deploymentName ?? ""}" in this workspace.`
    : `No flow ${flow} is registered in this workspace (asked for its deployment "${row?.deploymentName ?? ""}").`;
  return new DownbeatError("flow_not_found", { message });
}
