import type { RunInput, RunPause } from "@downbeat/contract";
import type { Tx } from "./transaction.ts";

/** Keeps what someone gave to a pause point, for the attempt that goes on and for every later one. */
export async function storeRunInput(
  tx: Tx,
  { runId, key, input, signature }: Omit<RunInput, "givenAt"> & { readonly runId: string },
): Promise<void> {
  const { workspaceId } = tx;
  await tx.prisma.runInput.upsert({
    where: { runId_key: { runId, key } },
    create: { runId, key, workspaceId, input, signature },
    update: { input, signature, givenAt: new Date() },
  });
}

/** What these pause points were given; those that nobody has answered are absent. */
export async function readRunInputs(
  tx: Tx,
  points: readonly { readonly runId: string; readonly key: string }[],
): Promise<(RunInput & { runId: string })[]> {
  if (points.length === 0) return [];
  const rows = await tx.prisma.runInput.findMany({
    where: {
      workspaceId: tx.workspaceId,
      OR: points.map(({ runId, key }) => ({ runId, key })),
    },
  });
  return rows.map(({ runId, key, input, signature, givenAt }) => ({
    runId,
    key,
    input: input as RunInput["input"],
    signature: signature as RunInput["signature"],
    givenAt: givenAt.toISOString(),
  }));
}

/** What a run waits for; null unless it is PAUSED. */
export async function readRunPause(tx: Tx, runId: string): Promise<RunPause | null> {
  const row = await tx.prisma.liveRun.findFirst({
    where: { runId, workspaceId: tx.workspaceId },
    select: { pause: true, pauseDeadline: true },
  });
  if (row === null || row.pause === null) return null;
  const { key, inputSchema, onTimeout } = row.pause as RunPause;
  return { key, inputSchema, onTimeout, expiresAt: row.pauseDeadline?.toISOString() ?? null };
}
