import type { EngineTx, OperatorTx, Tx } from "../transaction.ts";

/** The database's clock at the start of this transaction, unless a test gives the time. */
export async function databaseNow(
  tx: Tx | EngineTx | OperatorTx,
  now: Date | null = null,
): Promise<Date> {
  if (now !== null) return now;
  const [row] = await tx.prisma.$queryRaw<[{ now: Date }]>`select now()::timestamptz(3) as now`;
  return row.now;
}
