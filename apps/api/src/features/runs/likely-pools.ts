import type { CreatedRun, NewRun } from "@downbeat/db";

const MOST_DEPLOYMENTS = 10_000;
// A larger batch is worth more than one claim, and a look of its own.
const MOST_ROWS = 16;

/**
 * Where the runs of a deployment went when this process last made some, for those whose making cancels no others. Only a
 * guess, since another process may have deployed anew meanwhile: a wrong one costs a look, nothing else.
 */
export class LikelyPools {
  readonly #pools = new Map<string, string>();

  /** The pool where all of these runs will be due at once, if they are few. */
  of(workspaceId: string, rows: readonly NewRun[]): string | undefined {
    const [first] = rows;
    if (first === undefined || rows.length > MOST_ROWS) return undefined;
    const pool = this.#pools.get(keyOf(workspaceId, first));
    const isAlike = (row: NewRun): boolean =>
      row.scheduledFor === null && this.#pools.get(keyOf(workspaceId, row)) === pool;
    return rows.every(isAlike) ? pool : undefined;
  }

  /** Learns from what became of the rows. */
  note(workspaceId: string, rows: readonly NewRun[], created: readonly CreatedRun[]): void {
    if (rows.length > MOST_ROWS) return;
    rows.forEach((row, index) => {
      const key = keyOf(workspaceId, row);
      const answer = created[index];
      if (answer?.status !== "created" && answer?.status !== "unknown") return;
      this.#pools.delete(key); // so that it goes to the end: the front is the oldest
      if (answer.status === "created" && answer.strategyOf === null)
        this.#pools.set(key, answer.poolId);
    });
    for (const oldest of this.#pools.keys()) {
      if (this.#pools.size <= MOST_DEPLOYMENTS) break;
      this.#pools.delete(oldest);
    }
  }
}

// No name holds a slash.
function keyOf(workspaceId: string, { flowName, deploymentName }: NewRun): string {
  return `${workspaceId}/${flowName}/${deploymentName}`;
}
