import type { LogItem } from "@downbeat/contract";
import type { Tx } from "../transaction.ts";

/** A sealed stretch of log, as an agent reports it. */
export type LogChunkRow = Omit<LogItem, "kind" | "leaseToken">;

/**
 * Appends log chunks; one that is stored already is left as it is.
 *
 * Returns how many were new. Locks: the new rows. Index: log_chunk_pkey.
 */
export function appendLogChunks(
  tx: Tx,
  rows: readonly LogChunkRow[],
  now: Date | null = null,
): Promise<number> {
  if (rows.length === 0) return Promise.resolve(0);
  const column = <K extends keyof LogChunkRow>(key: K): LogChunkRow[K][] =>
    rows.map((row) => row[key]);
  return tx.prisma.$executeRaw`/* prepared */
    insert into log_chunk (run_id, epoch, sequence, workspace_id, line_count, received_at, chunk)
    select run_id, epoch, sequence, ${tx.workspaceId}::uuid, line_count, coalesce(${now}::timestamptz, now()), chunk
    from unnest(
      ${column("runId")}::uuid[], ${column("epoch")}::int[], ${column("sequence")}::int[],
      ${column("lineCount")}::int[], ${column("chunk")}::text[]
    ) as given (run_id, epoch, sequence, line_count, chunk)
    order by run_id, epoch, sequence
    on conflict (run_id, epoch, sequence) do nothing`;
}
