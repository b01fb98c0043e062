import type { Rooms } from "@downbeat/core";
import type { Tx } from "../transaction.ts";
import type { ClaimingSession, ClaimLine } from "./lock-session.ts";

type Limited = Pick<ClaimingSession, "poolId" | "poolLimit" | "lines">;

/** The limits a run of this line takes a slot of, by the keys under which {@link lockLimits} gives their rooms. */
export function limitsOf(line: ClaimLine, { poolLimit }: { poolLimit: number | null }): string[] {
  return [
    ...(poolLimit === null ? [] : ["pool"]),
    ...(line.queueLimit === null ? [] : [`queue ${line.queueId}`]),
    ...(line.deploymentLimit === null ? [] : [`deployment ${line.deploymentId}`]),
    ...line.limitNames.map((name) => `limit ${name}`),
  ];
}

/**
 * Locks everything that limits the lines of a claim and counts what is left, so that claims of the same limit take turns
 * and none is exceeded. Sends nothing when nothing is limited.
 *
 * Returns the rooms. Locks, for no key update and in this order: the pool, its queues, deployments, named limits; each
 * kind by id. Indexes: the tables' keys, live_run_held_idx, limit_slot_pkey.
 */
export async function lockLimits(
  tx: Tx,
  { poolId, poolLimit, lines, now }: Limited & { now: Date | null },
): Promise<Rooms> {
  const queueIds = unique(lines.flatMap((line) => (line.queueLimit === null ? [] : line.queueId)));
  const deploymentIds = unique(
    lines.flatMap((line) => (line.deploymentLimit === null ? [] : line.deploymentId)),
  );
  const names = unique(lines.flatMap(({ limitNames }) => limitNames));
  const asked = { poolId, isPoolLimited: poolLimit !== null, queueIds, deploymentIds, names, now };
  if (!asked.isPoolLimited && queueIds.length + deploymentIds.length + names.length === 0)
    return new Map();
  await lock(tx, asked);
  return readRooms(tx, asked);
}

type Asked = {
  readonly poolId: string;
  readonly isPoolLimited: boolean;
  readonly queueIds: readonly string[];
  readonly deploymentIds: readonly string[];
  readonly names: readonly string[];
  readonly now: Date | null;
};

async function lock(tx: Tx, asked: Asked): Promise<void> {
  const { poolId, isPoolLimited, queueIds, deploymentIds, names } = asked;
  if (isPoolLimited)
    await tx.prisma.$queryRaw`/* prepared */
      select 1 from work_pool where workspace_id = ${tx.workspaceId}::uuid and id = ${poolId}::uuid for no key update`;
  if (queueIds.length > 0)
    await tx.prisma.$queryRaw`/* prepared */
      select 1 from work_queue where workspace_id = ${tx.workspaceId}::uuid and id = any(${queueIds}::uuid[])
      order by id for no key update`;
  if (deploymentIds.length > 0)
    await tx.prisma.$queryRaw`/* prepared */
      select 1 from deployment where workspace_id = ${tx.workspaceId}::uuid and id = any(${deploymentIds}::uuid[])
      order by id for no key update`;
  if (names.length > 0)
    await tx.prisma.$queryRaw`/* prepared */
      select 1 from concurrency_limit where workspace_id = ${tx.workspaceId}::uuid and name = any(${names}::text[])
      order by id for no key update`;
}

// A statement after the locks, so that its snapshot sees what earlier claims have taken. A limit that was lifted meanwhile
// is absent and so has no end.
async function readRooms(tx: Tx, asked: Asked): Promise<Rooms> {
  const { poolId, isPoolLimited, queueIds, deploymentIds, names, now } = asked;
  const rows = await tx.prisma.$queryRaw<{ key: string; room: number }[]>`/* prepared */
    select 'pool' as key, p.concurrency_limit - (
        select count(*)::int from live_run l
        where (l.workspace_id = ${tx.workspaceId}::uuid) is true and l.pool_id = p.id and l.session_id is not null
      ) as room
    from work_pool p
    where ${isPoolLimited}::boolean and (p.workspace_id = ${tx.workspaceId}::uuid) is true and p.id = ${poolId}::uuid
      and p.concurrency_limit is not null
    union all
    select 'queue ' || q.id, q.concurrency_limit - (
        select count(*)::int from live_run l
        where (l.workspace_id = ${tx.workspaceId}::uuid) is true and l.pool_id = q.pool_id and l.session_id is not null
          and l.queue_id = q.id
      )
    from work_queue q
    where (q.workspace_id = ${tx.workspaceId}::uuid) is true and q.id = any(${queueIds}::uuid[])
      and q.concurrency_limit is not null
    union all
    select 'deployment ' || d.id, d.concurrency_limit - (
        select count(*)::int from live_run l
        where (l.workspace_id = ${tx.workspaceId}::uuid) is true and l.pool_id = ${poolId}::uuid
          and l.session_id is not null and l.deployment_id = d.id
      )
    from deployment d
    where (d.workspace_id = ${tx.workspaceId}::uuid) is true and d.id = any(${deploymentIds}::uuid[])
      and d.concurrency_limit is not null
    union all
    select 'limit ' || c.name, least(c.slots - (select count(*)::int from limit_slot s where s.limit_id = c.id),
        floor(limit_tokens(c, coalesce(${now}::timestamptz, statement_timestamp())))::int)
    from concurrency_limit c
    where c.workspace_id = ${tx.workspaceId}::uuid and c.name = any(${names}::text[])`;
  return new Map(rows.map(({ key, room }) => [key, room]));
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
