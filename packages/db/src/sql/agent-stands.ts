import type { OperatorTx } from "../transaction.ts";

/**
 * Whether an agent is there, in whatever workspace, and not revoked. Asked once a minute for each that calls, so past
 * Prisma. The last statement of its transaction. Locks: none. Index: agent_pkey.
 */
export async function agentStands(tx: OperatorTx, id: string): Promise<boolean> {
  tx.ends();
  const rows = await tx.prisma.$queryRaw<{ id: string }[]>`/* prepared */
    select id from agent where id = ${id}::uuid and revoked_at is null`;
  return rows.length > 0;
}
