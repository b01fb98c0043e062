import type { Tx } from "../transaction.ts";

export type StandingKey = { readonly runId: string; readonly requestHash: string };

/**
 * Reads which runs idempotency keys have made. A statement of its own: it must see what was committed while
 * `createRuns` waited for another transaction's key.
 *
 * Returns a map by key; keys never used are absent. Locks: none. Index: idempotency_pkey.
 */
export async function readIdempotencyKeys(
  tx: Tx,
  keys: readonly string[],
): Promise<Map<string, StandingKey>> {
  if (keys.length === 0) return new Map();
  const rows = await tx.prisma.$queryRaw<{ key: string; run_id: string; request_hash: string }[]>`
    select key, run_id, request_hash
    from idempotency
    where workspace_id = ${tx.workspaceId}::uuid and key = any(${keys}::text[])`;
  return new Map(
    rows.map((row) => [row.key, { runId: row.run_id, requestHash: row.request_hash }]),
  );
}
