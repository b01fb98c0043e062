import type { Flow, FlowVersion } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import { newestFirst, toPage, type Page, type PageQuery } from "./page.ts";
import type { Tx } from "./transaction.ts";

type VersionRow = {
  id: string;
  flowId: string;
  contentHash: string;
  gitSha: string | null;
  parameterSchema: unknown;
  createdAt: Date;
};

export async function listFlows(tx: Tx, query: PageQuery): Promise<Page<Flow>> {
  const page = newestFirst(query);
  const rows = await tx.prisma.flow.findMany({
    ...page,
    where: { ...page.where, workspaceId: tx.workspaceId },
  });
  return toPage(rows, query, toFlow);
}

export async function readFlowByName(tx: Tx, name: string): Promise<Flow | undefined> {
  const row = await tx.prisma.flow.findFirst({ where: { workspaceId: tx.workspaceId, name } });
  return row === null ? undefined : toFlow(row);
}

/** The flow of this name, made if it is new. */
export async function ensureFlow(tx: Tx, name: string): Promise<Flow> {
  const row = await tx.prisma.flow.upsert({
    where: { workspaceId_name: { workspaceId: tx.workspaceId, name } },
    create: { id: uuidv7(), workspaceId: tx.workspaceId, name },
    update: {},
  });
  return toFlow(row);
}

/** A flow's registered versions, newest first; an empty page when there is no such flow. */
export async function listFlowVersions(
  tx: Tx,
  query: PageQuery & { flowName: string },
): Promise<Page<FlowVersion>> {
  const page = newestFirst(query);
  const rows = await tx.prisma.flowVersion.findMany({
    ...page,
    where: { ...page.where, workspaceId: tx.workspaceId, flow: { name: query.flowName } },
  });
  return toPage(rows, query, toFlowVersion);
}

function toFlow(row: { id: string; name: string; createdAt: Date }): Flow {
  return { id: row.id, name: row.name, createdAt: row.createdAt.toISOString() };
}

function toFlowVersion(row: VersionRow): FlowVersion {
  return {
    id: row.id,
    flowId: row.flowId,
    contentHash: row.contentHash,
    gitSha: row.gitSha,
    // Checked by the contract when it was registered.
    parameterSchema: row.parameterSchema as FlowVersion["parameterSchema"],
    createdAt: row.createdAt.toISOString(),
  };
}
