import type { EngineTx } from "../transaction.ts";

export type EndedTransaction = { readonly pid: number; readonly applicationName: string };

/**
 * Ends sessions of the database role that owns the tables which have been idle in a transaction for so long and hold a lock on live_run
 * all the while. Those of other roles are left alone.
 *
 * Returns whose they were. Locks: none.
 */
export async function endIdleTransactions(
  tx: EngineTx,
  idleSeconds: number,
): Promise<EndedTransaction[]> {
  const rows = await tx.prisma.$queryRaw<{ pid: number; application_name: string }[]>`
    select pid, application_name from end_idle_transactions(make_interval(secs => ${idleSeconds}::double precision))`;
  return rows.map(({ pid, application_name: applicationName }) => ({ pid, applicationName }));
}
