import { plainColumn } from "../array-literal.ts";
import type { OperatorTx } from "../transaction.ts";

/**
 * Which of these agents are there, in whatever workspace, and not revoked. Asked about every minute for each that calls,
 * so past Prisma. The last statement of its transaction. Locks: none. Index: agent_pkey.
 */
export async function standingAgents(
  tx: OperatorTx,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  tx.ends();
  const rows = await tx.prisma.$queryRaw<{ id: string }[]>`/* prepared */
    select id from agent where id = any(${plainColumn(ids)}::uuid[]) and revoked_at is null`;
  return new Set(rows.map(({ id }) => id));
}
