import type { RunDetail } from "@downbeat/contract";
import { toRun, type RunRow } from "../run-row.ts";
import type { Tx } from "../transaction.ts";
import { runColumns, runJoins } from "./read-runs.ts";

type Row = RunRow & { parameters: string | null; result: string | null };

/**
 * One run with its sealed parameters and result, without `why`, which needs a clock and rules; undefined when not here.
 *
 * Locks: none. Index: flow_run_pkey.
 */
export async function readRun(
  tx: Tx,
  runId: string,
): Promise<Omit<RunDetail, "why" | "pause" | "hostTransit"> | undefined> {
  const [row] = await tx.prisma.$queryRaw<Row[]>`/* prepared */
    ${runColumns()}, r.parameters, e.result
    from flow_run r
    ${runJoins(tx, [runId])}
    where (r.workspace_id = ${tx.workspaceId}::uuid) is true and r.id = ${runId}::uuid`;
  if (row === undefined) return undefined;
  return {
    ...toRun(row),
    parameters: row.parameters as RunDetail["parameters"],
    result: row.result as RunDetail["result"],
  };
}
