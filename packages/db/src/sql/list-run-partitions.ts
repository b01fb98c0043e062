import type { RunPartition } from "@downbeat/core";
import type { EngineTx } from "../transaction.ts";

/** A partition of run data as the database has it. */
export type StoredRunPartition = RunPartition & {
  /** Smallest run id that belongs into it. */
  readonly fromId: string;
  /** Smallest run id above it; null: it has no upper bound. */
  readonly toId: string | null;
};

type Row = {
  run_table: string;
  name: string;
  from_id: string | null;
  to_id: string | null;
  starts_at: Date | null;
  ends_at: Date | null;
  is_empty: boolean;
};

const NIL = "00000000-0000-0000-0000-000000000000";

/** Every partition of every table that holds run data. Locks: none. Reads the catalogue alone. */
export async function listRunPartitions(tx: EngineTx): Promise<StoredRunPartition[]> {
  const rows = await tx.prisma.$queryRaw<Row[]>`
    select run_table, name, from_id, to_id, starts_at, ends_at, is_empty
    from run_partition order by run_table, from_id nulls first`;
  return rows.map((row) => ({
    table: row.run_table,
    name: row.name,
    fromId: row.from_id ?? NIL,
    toId: row.to_id,
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    isEmpty: row.is_empty,
  }));
}
