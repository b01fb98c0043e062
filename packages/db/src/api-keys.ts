import type { ApiKey, Role, Workspace } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import { newestFirst, toPage, type Page, type PageQuery } from "./page.ts";
import type { OperatorTx, Tx } from "./transaction.ts";
import { toWorkspace } from "./workspaces.ts";

export type NewApiKey = {
  /** The id inside the key's text; made here when absent. */
  readonly id?: string;
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the secret, 32 bytes. */
  readonly secretHash: Uint8Array;
  readonly expiresAt?: string | null;
};

/** What checking an API key needs. */
export type FoundApiKey = {
  readonly apiKey: ApiKey;
  readonly secretHash: Uint8Array;
  readonly workspace: Workspace;
};

type Row = {
  id: string;
  name: string;
  role: string;
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
};

/** Keeps the hash of an API key. An operator names the workspace; inside a workspace it is the transaction's. */
export async function createApiKey(
  tx: Tx | OperatorTx,
  key: NewApiKey & { readonly workspaceId?: string },
): Promise<ApiKey> {
  const workspaceId = tx.role === "workspace" ? tx.workspaceId : key.workspaceId;
  if (workspaceId === undefined)
    throw new TypeError("createApiKey: an operator must name the workspaceId.");
  const row = await tx.prisma.apiKey.create({
    data: {
      id: key.id ?? uuidv7(),
      workspaceId,
      name: key.name,
      role: key.role,
      secretHash: Uint8Array.from(key.secretHash),
      expiresAt: key.expiresAt ?? null,
    },
  });
  return toApiKey(row);
}

/** The key of that id in whatever workspace, revoked and expired ones included; undefined when there is none. */
export async function findApiKey(tx: OperatorTx, id: string): Promise<FoundApiKey | undefined> {
  const row = await tx.prisma.apiKey.findUnique({ where: { id }, include: { workspace: true } });
  if (row === null) return undefined;
  return {
    apiKey: toApiKey(row),
    secretHash: row.secretHash,
    workspace: toWorkspace(row.workspace),
  };
}

export async function listApiKeys(tx: Tx, query: PageQuery): Promise<Page<ApiKey>> {
  const page = newestFirst(query);
  const rows = await tx.prisma.apiKey.findMany({
    ...page,
    where: { ...page.where, workspaceId: tx.workspaceId },
  });
  return toPage(rows, query, toApiKey);
}

/** Revokes a key; revoking twice keeps the first time. Undefined when it is not in this workspace. */
export async function revokeApiKey(tx: Tx, id: string): Promise<ApiKey | undefined> {
  await tx.prisma.apiKey.updateMany({
    where: { id, workspaceId: tx.workspaceId, revokedAt: null },
    data: { revokedAt: new Date() },
  });
  const row = await tx.prisma.apiKey.findFirst({ where: { id, workspaceId: tx.workspaceId } });
  return row === null ? undefined : toApiKey(row);
}

function toApiKey(row: Row): ApiKey {
  return {
    id: row.id,
    name: row.name,
    role: row.role as Role,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    revoked: row.revokedAt !== null,
  };
}
