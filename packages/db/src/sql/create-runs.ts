import type { Tx } from "../transaction.ts";
import { insertRuns } from "./insert-runs.ts";
import type { CreatedRun, InsertedRun, NewRun } from "./new-run.ts";
import { readIdempotencyKeys } from "./read-idempotency-keys.ts";

/** Makes runs, and finds those that their keys made before. Returns one answer per row, in order. */
export async function createRuns(
  tx: Tx,
  rows: readonly NewRun[],
  now: Date | null = null,
): Promise<CreatedRun[]> {
  return findTaken(tx, rows, await insertRuns(tx, rows, now));
}

/** Finds the runs of rows that {@link insertRuns} calls taken, in the same transaction or a later one. Sends nothing when there are none. */
export async function findTaken(
  tx: Tx,
  rows: readonly NewRun[],
  inserted: readonly InsertedRun[],
): Promise<CreatedRun[]> {
  const keys = rows.flatMap(({ idempotencyKey }, index) =>
    inserted[index]?.status === "taken" ? (idempotencyKey ?? []) : [],
  );
  const standing = await readIdempotencyKeys(tx, keys);
  return inserted.map((answer, index) => {
    const row = rows[index];
    if (answer.status !== "taken" || row === undefined) return answer as CreatedRun;
    const first = standing.get(row.idempotencyKey ?? "");
    // A run of the chosen id is there, and no key made it.
    if (first === undefined && row.runId) return { status: "mismatch", runId: row.runId };
    if (first === undefined)
      throw new Error(`The key of row ${index} has made no run, and kept it from being made.`);
    return {
      status: first.requestHash === row.requestHash ? "standing" : "mismatch",
      runId: first.runId,
    };
  });
}
