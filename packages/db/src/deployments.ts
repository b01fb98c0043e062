import {
  DownbeatError,
  type ConcurrencyStrategy,
  type Deployment,
  type DeploymentSpec,
} from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import { ensureFlow } from "./flows.ts";
import { Prisma } from "./generated/client.ts";
import { requireLimits } from "./limits.ts";
import { idCursor, toPage, type Page, type PageQuery } from "./page.ts";
import { keepPoolsOfDeployments } from "./sql/keep-pools-of-deployments.ts";
import { readDeploymentRows, type DeploymentRow } from "./sql/read-deployments.ts";
import type { Tx } from "./transaction.ts";

/**
 * Registers flows, versions and deployments. The same specs again change nothing but `updatedAt`.
 *
 * @throws DownbeatError `pool_not_found` naming the pool or the queue that does not exist, `limit_not_found` naming the
 *   limit; nothing is then stored.
 */
export async function upsertDeployments(
  tx: Tx,
  specs: readonly DeploymentSpec[],
): Promise<Deployment[]> {
  const ids = new Map<DeploymentSpec, string>();
  // In one order for everybody, so that two deploys at once wait for each other instead of deadlocking.
  const ordered = specs.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  for (const spec of ordered) ids.set(spec, await upsertDeployment(tx, spec));
  await keepPoolsOfDeployments(tx, [...ids.values()]);
  const rows = await readDeploymentRows(tx, { ids: [...ids.values()], limit: specs.length });
  const deployments = new Map(rows.map((row) => [row.id, toDeployment(row)]));
  return specs.flatMap((spec) => deployments.get(ids.get(spec) ?? "") ?? []);
}

export async function listDeployments(
  tx: Tx,
  query: PageQuery & { flowName?: string | undefined },
): Promise<Page<Deployment>> {
  const rows = await readDeploymentRows(tx, {
    flowName: query.flowName,
    cursor: idCursor(query.cursor),
    limit: query.limit + 1,
  });
  return toPage(rows, query, toDeployment);
}

export async function readDeployment(tx: Tx, id: string): Promise<Deployment | undefined> {
  const [row] = await readDeploymentRows(tx, { ids: [id], limit: 1 });
  return row === undefined ? undefined : toDeployment(row);
}

export async function readDeploymentByName(
  tx: Tx,
  names: { flowName: string; deploymentName: string },
): Promise<Deployment | undefined> {
  const [row] = await readDeploymentRows(tx, { ...names, limit: 1 });
  return row === undefined ? undefined : toDeployment(row);
}

/** What of a deployment may be changed; undefined leaves it as it is. */
export type DeploymentChange = {
  readonly id: string;
  readonly paused?: boolean | undefined;
} & DeploymentLimits;

type DeploymentLimits = {
  readonly concurrency?: Deployment["concurrency"] | undefined;
  readonly limitNames?: readonly string[] | undefined;
  readonly requiredLabels?: readonly string[] | undefined;
};

/**
 * Pauses, resumes or limits a deployment; undefined when it is not in this workspace.
 *
 * @throws DownbeatError `limit_not_found` naming a limit that does not exist.
 */
export async function updateDeployment(
  tx: Tx,
  { id, paused, ...limits }: DeploymentChange,
): Promise<Deployment | undefined> {
  const limiting = await limitColumns(tx, limits);
  await tx.prisma.deployment.updateMany({
    where: { id, workspaceId: tx.workspaceId },
    data: { ...(paused !== undefined && { paused }), ...limiting, updatedAt: new Date() },
  });
  return readDeployment(tx, id);
}

async function limitColumns(
  tx: Tx,
  { concurrency, limitNames, requiredLabels }: DeploymentLimits,
): Promise<Partial<LimitColumns>> {
  if (limitNames !== undefined) await requireLimits(tx, limitNames);
  return {
    ...(concurrency !== undefined && {
      concurrencyLimit: concurrency?.limit ?? null,
      concurrencyStrategy: concurrency?.strategy ?? "enqueue",
    }),
    ...(limitNames !== undefined && { limitNames: [...new Set(limitNames)] }),
    ...(requiredLabels !== undefined && { requiredLabels: [...new Set(requiredLabels)] }),
  };
}

type LimitColumns = {
  concurrencyLimit: number | null;
  concurrencyStrategy: string;
  limitNames: string[];
  requiredLabels: string[];
};

async function upsertDeployment(tx: Tx, spec: DeploymentSpec): Promise<string> {
  const queueId = await findQueueId(tx, spec);
  const flow = await ensureFlow(tx, spec.flowName);
  const version = await ensureVersion(tx, flow.id, spec);
  const standing = {
    flowVersionId: version.id,
    queueId,
    entrypoint: spec.entrypoint,
    defaultParameters: spec.defaultParameters,
    tags: spec.tags,
    retry: (spec.retry ?? Prisma.DbNull) as Prisma.InputJsonValue,
    timeoutSeconds: spec.timeoutSeconds,
    exclusive: spec.exclusive,
    hostTransit: spec.hostTransit,
    signature: spec.signature ?? null,
    ...(await limitColumns(tx, spec)),
    updatedAt: new Date(),
  };
  const row = await tx.prisma.deployment.upsert({
    where: { flowId_name: { flowId: flow.id, name: spec.name } },
    create: {
      id: uuidv7(),
      workspaceId: tx.workspaceId,
      flowId: flow.id,
      name: spec.name,
      ...standing,
    },
    update: standing,
    select: { id: true },
  });
  return row.id;
}

function ensureVersion(tx: Tx, flowId: string, spec: DeploymentSpec): Promise<{ id: string }> {
  const described = {
    gitSha: spec.gitSha,
    parameterSchema: (spec.parameterSchema ?? Prisma.DbNull) as Prisma.InputJsonValue,
  };
  return tx.prisma.flowVersion.upsert({
    where: { flowId_contentHash: { flowId, contentHash: spec.contentHash } },
    create: {
      id: uuidv7(),
      workspaceId: tx.workspaceId,
      flowId,
      contentHash: spec.contentHash,
      ...described,
    },
    update: described,
    select: { id: true },
  });
}

async function findQueueId(tx: Tx, spec: DeploymentSpec): Promise<string> {
  const pool = await tx.prisma.workPool.findFirst({
    where: { workspaceId: tx.workspaceId, name: spec.poolName },
    select: { queues: { where: { name: spec.queueName }, select: { id: true } } },
  });
  if (pool === null) {
    throw new DownbeatError("pool_not_found", {
      message: `No work pool "${spec.poolName}" exists.`,
    });
  }
  const queueId = pool.queues[0]?.id;
  if (queueId !== undefined) return queueId;
  throw new DownbeatError("pool_not_found", {
    message: `The work pool "${spec.poolName}" has no queue "${spec.queueName}".`,
  });
}

function keyOf(spec: DeploymentSpec): string {
  return `${spec.flowName}\n${spec.name}`;
}

function toDeployment(row: DeploymentRow): Deployment {
  return {
    id: row.id,
    flowId: row.flow_id,
    flowName: row.flow_name,
    flowVersionId: row.flow_version_id,
    name: row.name,
    poolName: row.pool_name,
    queueName: row.queue_name,
    paused: row.paused,
    tags: row.tags,
    parameterSchema: row.parameter_schema,
    entrypoint: row.entrypoint as Deployment["entrypoint"],
    defaultParameters: row.default_parameters as Deployment["defaultParameters"],
    retry: row.retry,
    timeoutSeconds: row.timeout_seconds,
    exclusive: row.exclusive,
    hostTransit: row.host_transit,
    concurrency:
      row.concurrency_limit === null
        ? null
        : {
            limit: row.concurrency_limit,
            strategy: row.concurrency_strategy as ConcurrencyStrategy,
          },
    limitNames: row.limit_names,
    requiredLabels: row.required_labels,
    signature: row.signature as Deployment["signature"],
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
