import { DownbeatError, type KeyRotation, PublicJwk, type Workspace } from "@downbeat/contract";
import type { Tx } from "./transaction.ts";
import { readWorkspace } from "./workspaces.ts";

/**
 * Makes another public key the workspace's. The same rotation again changes nothing.
 *
 * @throws DownbeatError `workspace_key_mismatch` when `fromKeyId` is not the current key, so that two cannot cross;
 * `conflict` when the new key was current before.
 */
export async function rotateWorkspaceKey(
  tx: Tx,
  rotation: Omit<KeyRotation, "createdAt">,
): Promise<Workspace> {
  const { fromKeyId, key, statement, archive } = rotation;
  await refuseReturn(tx, rotation);
  const { workspaceId } = tx;
  const { count } = await tx.prisma.workspace.updateMany({
    where: { id: workspaceId, keyId: fromKeyId },
    data: key,
  });
  if (count === 1) {
    const row = { workspaceId, fromKeyId, ...key, statement, archive };
    await tx.prisma.keyRotation.create({ data: row });
  }
  const workspace = await readWorkspace(tx);
  if (count === 1 && workspace !== undefined) return workspace;
  if (workspace?.key?.keyId === key.keyId && (await isKnown(tx, rotation))) return workspace;
  throw new DownbeatError("workspace_key_mismatch", {
    message: `The workspace's key is ${workspace?.key?.keyId ?? "(none)"}, not ${fromKeyId}; somebody else rotated it, and nothing was changed.`,
  });
}

/** The workspace's rotations, oldest first. */
export async function listKeyRotations(tx: Tx): Promise<KeyRotation[]> {
  const rows = await tx.prisma.keyRotation.findMany({
    where: { workspaceId: tx.workspaceId },
    orderBy: { createdAt: "asc" },
  });
  return rows.map(({ fromKeyId, keyId, publicJwk, statement, archive, createdAt }) => ({
    fromKeyId,
    key: { keyId, publicJwk: PublicJwk.parse(publicJwk) },
    statement,
    archive,
    createdAt: createdAt.toISOString(),
  }));
}

async function isKnown(
  tx: Tx,
  { fromKeyId, key }: Pick<KeyRotation, "fromKeyId" | "key">,
): Promise<boolean> {
  const where = { workspaceId: tx.workspaceId, fromKeyId, keyId: key.keyId };
  return (await tx.prisma.keyRotation.count({ where })) > 0;
}

/** Readers follow rotations from key to key; a key that came back would lead them in a circle. */
async function refuseReturn(
  tx: Tx,
  { fromKeyId, key }: Pick<KeyRotation, "fromKeyId" | "key">,
): Promise<void> {
  const where = { workspaceId: tx.workspaceId, fromKeyId: key.keyId };
  if (fromKeyId !== key.keyId && (await tx.prisma.keyRotation.count({ where })) === 0) return;
  throw new DownbeatError("conflict", {
    message: `Key ${key.keyId} was the workspace's before; a rotation needs a key that is new.`,
  });
}
