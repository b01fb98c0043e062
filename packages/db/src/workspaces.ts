import {
  DownbeatError,
  PublicJwk,
  type Workspace,
  type WorkspacePublicKey,
} from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import type { OperatorTx, Tx } from "./transaction.ts";

type Row = { id: string; name: string; keyId: string | null; publicJwk: unknown; createdAt: Date };

/**
 * Makes a workspace, in an organisation of its own unless one is given.
 *
 * @throws DownbeatError `conflict` when the name is taken.
 */
export async function createWorkspace(
  tx: OperatorTx,
  { name, organisationId }: { name: string; organisationId?: string },
): Promise<Workspace> {
  if ((await findWorkspaceByName(tx, name)) !== undefined) {
    throw new DownbeatError("conflict", { message: `A workspace named "${name}" exists already.` });
  }
  const organisation = organisationId ?? (await createOrganisation(tx, { name })).id;
  const row = await tx.prisma.workspace.create({
    data: { id: uuidv7(), name, organisationId: organisation },
  });
  return toWorkspace(row);
}

export async function createOrganisation(
  tx: OperatorTx,
  { name }: { name: string },
): Promise<{ id: string }> {
  return tx.prisma.organisation.create({ data: { id: uuidv7(), name }, select: { id: true } });
}

export async function findWorkspaceByName(
  tx: OperatorTx,
  name: string,
): Promise<Workspace | undefined> {
  const row = await tx.prisma.workspace.findUnique({ where: { name } });
  return row === null ? undefined : toWorkspace(row);
}

/** The transaction's own workspace; undefined when it does not exist. */
export async function readWorkspace(tx: Tx): Promise<Workspace | undefined> {
  const row = await tx.prisma.workspace.findUnique({ where: { id: tx.workspaceId } });
  return row === null ? undefined : toWorkspace(row);
}

/**
 * Registers the workspace's public key, once; the same key again changes nothing.
 *
 * @throws DownbeatError `workspace_key_mismatch` when another key stands.
 */
export async function setWorkspaceKey(tx: Tx, key: WorkspacePublicKey): Promise<Workspace> {
  await tx.prisma.workspace.updateMany({
    where: { id: tx.workspaceId, keyId: null },
    data: { keyId: key.keyId, publicJwk: key.publicJwk },
  });
  const workspace = await readWorkspace(tx);
  if (workspace?.key?.keyId === key.keyId) return workspace;
  throw new DownbeatError("workspace_key_mismatch", {
    message: `The workspace has the public key ${workspace?.key?.keyId ?? "(none)"}, not ${key.keyId}.`,
  });
}

export function toWorkspace(row: Row): Workspace {
  const key =
    row.keyId === null ? null : { keyId: row.keyId, publicJwk: PublicJwk.parse(row.publicJwk) };
  return { id: row.id, name: row.name, key, createdAt: row.createdAt.toISOString() };
}
