import type { WrappedDataKey } from "@downbeat/contract";
import type { Tx } from "../transaction.ts";

/**
 * Replaces the wraps of data keys that are stored already; ids that are not are left out.
 *
 * Returns how many there were. Locks: those rows. Index: data_key_pkey.
 */
export function rewrapDataKeys(tx: Tx, dataKeys: readonly WrappedDataKey[]): Promise<number> {
  const column = <K extends keyof WrappedDataKey>(key: K): WrappedDataKey[K][] =>
    dataKeys.map((dataKey) => dataKey[key]);
  return tx.prisma.$executeRaw`
    update data_key set wrap = given.wrap, wrap_tag = given.wrap_tag
    from unnest(${column("id")}::uuid[], ${column("wrap")}::text[], ${column("wrapTag")}::text[])
      as given (id, wrap, wrap_tag)
    where data_key.workspace_id = ${tx.workspaceId}::uuid and data_key.id = given.id`;
}
