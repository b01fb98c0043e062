import type { MetricItem } from "@downbeat/contract";
import type { Tx } from "../transaction.ts";

/** A public number, as an agent reports it. */
export type MetricRow = Omit<MetricItem, "kind" | "leaseToken">;

/**
 * Keeps the newest value of each metric. Reports may come late, twice or out of order: the higher (epoch, sequence) stands.
 *
 * Locks: the metric rows, in order of their key. Index: metric_pkey.
 */
export async function upsertMetrics(
  tx: Tx,
  rows: readonly MetricRow[],
  now: Date | null = null,
): Promise<void> {
  if (rows.length === 0) return;
  const column = <K extends keyof MetricRow>(key: K): MetricRow[K][] => rows.map((row) => row[key]);
  await tx.prisma.$executeRaw`/* prepared */
    insert into metric as standing (run_id, name, workspace_id, epoch, sequence, updated_at, value)
    select distinct on (run_id, name) run_id, name, ${tx.workspaceId}::uuid, epoch, sequence,
      coalesce(${now}::timestamptz, now()), value
    from unnest(
      ${column("runId")}::uuid[], ${column("name")}::text[], ${column("epoch")}::int[], ${column("sequence")}::int[],
      ${column("value")}::float8[]
    ) as given (run_id, name, epoch, sequence, value)
    order by run_id, name, epoch desc, sequence desc
    on conflict (run_id, name) do update
    set epoch = excluded.epoch, sequence = excluded.sequence, updated_at = excluded.updated_at, value = excluded.value
    where standing.workspace_id = excluded.workspace_id
      and (excluded.epoch, excluded.sequence) > (standing.epoch, standing.sequence)`;
}
