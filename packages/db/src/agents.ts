import { PublicJwk, type Agent } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import { idCursor, toPage, type Page, type PageQuery } from "./page.ts";
import { listAgentRows, type AgentRow } from "./sql/list-agents.ts";
import type { OperatorTx, Tx } from "./transaction.ts";

/** Keeps the hash of a one-time enrolment token. `id` is the one inside the token's text. */
export async function createEnrolmentToken(
  tx: Tx,
  token: { id: string; poolId: string; secretHash: Uint8Array; expiresAt: Date },
): Promise<void> {
  await tx.prisma.enrolmentToken.create({
    data: { ...token, secretHash: Uint8Array.from(token.secretHash), workspaceId: tx.workspaceId },
  });
}

/** Whom a consumed token admits, and where. */
export type ConsumedToken = {
  readonly workspaceId: string;
  readonly poolId: string;
  readonly poolName: string;
};

/**
 * Uses a token up, atomically: of two at once one succeeds. Undefined when it is unknown, used, expired, or its hash
 * differs. The hash is compared by the database; both sides are SHA-256, so timing tells nothing about the secret.
 */
export async function consumeEnrolmentToken(
  tx: OperatorTx,
  token: { id: string; secretHash: Uint8Array; now?: Date },
): Promise<ConsumedToken | undefined> {
  const now = token.now ?? new Date();
  const { count } = await tx.prisma.enrolmentToken.updateMany({
    where: {
      id: token.id,
      secretHash: Uint8Array.from(token.secretHash),
      usedAt: null,
      expiresAt: { gt: now },
    },
    data: { usedAt: now },
  });
  if (count === 0) return undefined;
  const row = await tx.prisma.enrolmentToken.findUniqueOrThrow({
    where: { id: token.id },
    include: { pool: true },
  });
  return { workspaceId: row.workspaceId, poolId: row.poolId, poolName: row.pool.name };
}

/**
 * The agent that this token, used already, has admitted with this very key. So a caller who never got the answer to its
 * enrolment may ask again; whoever else holds the token gets nothing, nor does an agent revoked since.
 */
export async function findEnrolment(
  tx: OperatorTx,
  token: { id: string; secretHash: Uint8Array; now?: Date },
  { name, publicJwk }: Pick<NewAgent, "name" | "publicJwk">,
): Promise<(ConsumedToken & { agentId: string }) | undefined> {
  const used = await tx.prisma.enrolmentToken.findFirst({
    where: {
      id: token.id,
      secretHash: Uint8Array.from(token.secretHash),
      usedAt: { not: null },
      expiresAt: { gt: token.now ?? new Date() },
    },
    include: { pool: true },
  });
  if (used === null) return undefined;
  const { workspaceId, poolId } = used;
  const agent = await tx.prisma.agent.findFirst({
    where: { workspaceId, poolId, name, publicJwk: { equals: publicJwk }, revokedAt: null },
    select: { id: true },
  });
  return agent === null
    ? undefined
    : { workspaceId, poolId, poolName: used.pool.name, agentId: agent.id };
}

export type NewAgent = {
  readonly workspaceId: string;
  readonly poolId: string;
  readonly name: string;
  readonly publicJwk: PublicJwk;
  /** It is one process: see {@link forgetAgents}. Default false. */
  readonly ephemeral?: boolean;
};

/**
 * Admits an agent, in the same transaction that consumed its token. An agent of that name keeps its id and gets the new
 * key: its old one is worth nothing from then on.
 */
export async function enrolAgent(
  tx: OperatorTx | Tx,
  agent: NewAgent,
): Promise<{ agentId: string }> {
  const { workspaceId, name, poolId, publicJwk, ephemeral = false } = agent;
  const row = await tx.prisma.agent.upsert({
    where: { workspaceId_name: { workspaceId, name } },
    create: { id: uuidv7(), workspaceId, poolId, name, publicJwk, ephemeral },
    update: { poolId, publicJwk, ephemeral, revokedAt: null },
    select: { id: true },
  });
  return { agentId: row.id };
}

/** Revokes an agent. Its row stays: runs name it. */
export async function revokeAgent(tx: Tx, id: string): Promise<void> {
  await tx.prisma.agent.updateMany({
    where: { id, workspaceId: tx.workspaceId, revokedAt: null },
    data: { revokedAt: new Date() },
  });
}

/** What checking an agent's assertion needs. */
export type FoundAgent = {
  readonly id: string;
  readonly name: string;
  readonly workspaceId: string;
  readonly poolId: string;
  readonly poolName: string;
  readonly publicJwk: PublicJwk;
  readonly revoked: boolean;
};

/** The agent of that id in whatever workspace, revoked ones included; undefined when there is none. */
export async function findAgent(tx: OperatorTx, id: string): Promise<FoundAgent | undefined> {
  const row = await tx.prisma.agent.findUnique({
    where: { id },
    include: { pool: { select: { name: true } } },
  });
  if (row === null) return undefined;
  return {
    id: row.id,
    name: row.name,
    workspaceId: row.workspaceId,
    poolId: row.poolId,
    poolName: row.pool.name,
    publicJwk: PublicJwk.parse(row.publicJwk),
    revoked: row.revokedAt !== null,
  };
}

/** Agents that are not revoked, newest first, each with whether its lease stands and how many runs it holds. */
export async function listAgents(
  tx: Tx,
  query: PageQuery & { poolName?: string | undefined },
): Promise<Page<Agent>> {
  const rows = await listAgentRows(tx, {
    cursor: idCursor(query.cursor),
    limit: query.limit + 1,
    poolName: query.poolName ?? null,
  });
  return toPage(rows, query, toAgent);
}

function toAgent(row: AgentRow): Agent {
  return {
    id: row.id,
    name: row.name,
    poolName: row.pool_name,
    online: row.online,
    version: row.version,
    capacity: row.capacity,
    activeRuns: row.active_runs,
    lastSeenAt: row.last_seen_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  };
}
