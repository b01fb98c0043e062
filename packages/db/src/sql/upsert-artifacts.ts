import type { ArtifactItem } from "@downbeat/contract";
import type { Tx } from "../transaction.ts";

/** A version of an artifact, as an agent reports it. */
export type ArtifactRow = Omit<ArtifactItem, "kind" | "leaseToken">;

/**
 * Keeps the newest version of each artifact. Reports may come late, twice or out of order: the higher (epoch, sequence)
 * stands.
 *
 * Locks: the artifact rows, in order of their key. Index: artifact_pkey.
 */
export async function upsertArtifacts(
  tx: Tx,
  rows: readonly ArtifactRow[],
  now: Date | null = null,
): Promise<void> {
  if (rows.length === 0) return;
  const column = <K extends keyof ArtifactRow>(key: K): ArtifactRow[K][] =>
    rows.map((row) => row[key]);
  await tx.prisma.$executeRaw`/* prepared */
    insert into artifact as standing (run_id, key_tag, workspace_id, epoch, sequence, first_epoch, first_sequence,
      created_at, updated_at, detail)
    select distinct on (run_id, key_tag) run_id, key_tag, ${tx.workspaceId}::uuid, epoch, sequence, epoch, sequence,
      coalesce(${now}::timestamptz, now()), coalesce(${now}::timestamptz, now()), detail
    from unnest(
      ${column("runId")}::uuid[], ${column("keyTag")}::text[], ${column("epoch")}::int[],
      ${column("sequence")}::int[], ${column("detail")}::text[]
    ) as given (run_id, key_tag, epoch, sequence, detail)
    order by run_id, key_tag, epoch desc, sequence desc
    on conflict (run_id, key_tag) do update
    set epoch = excluded.epoch, sequence = excluded.sequence, updated_at = excluded.updated_at, detail = excluded.detail
    where standing.workspace_id = excluded.workspace_id
      and (excluded.epoch, excluded.sequence) > (standing.epoch, standing.sequence)`;
}
