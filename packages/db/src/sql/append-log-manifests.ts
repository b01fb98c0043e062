import type { LogManifestItem } from "@downbeat/contract";
import type { Tx } from "../transaction.ts";

/** A part of the sealed list of an attempt's log chunks, as an agent reports it. */
export type LogManifestRow = Omit<LogManifestItem, "kind" | "leaseToken">;

/**
 * Appends parts of log manifests; one that is stored already is left as it is.
 *
 * Returns how many were new. Locks: the new rows. Index: log_manifest_pkey.
 */
export function appendLogManifests(tx: Tx, rows: readonly LogManifestRow[]): Promise<number> {
  if (rows.length === 0) return Promise.resolve(0);
  const column = <K extends keyof LogManifestRow>(key: K): LogManifestRow[K][] =>
    rows.map((row) => row[key]);
  return tx.prisma.$executeRaw`/* prepared */
    insert into log_manifest (run_id, epoch, part, workspace_id, manifest)
    select run_id, epoch, part, ${tx.workspaceId}::uuid, manifest
    from unnest(
      ${column("runId")}::uuid[], ${column("epoch")}::int[], ${column("part")}::int[], ${column("manifest")}::text[]
    ) as given (run_id, epoch, part, manifest)
    order by run_id, epoch, part
    on conflict (run_id, epoch, part) do nothing`;
}
