import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import type { RunLists } from "./find-run-lists.ts";

/** Of so many runs that wait, the newest are found by reading and sorting them all: about as much as a page of a list of a million where they are evenly spread. */
export const FEW_WAITING = 2000;

/**
 * Terms of a query (with recursive), the last of which is `few (run_id)`: the runs of lists that wait for an agent, in no order; of more than
 * {@link FEW_WAITING}, one more than that. They stand in the lines that claims take from, which are jumped to: no index holds what waits
 * by deployment and run, as each run would have to be entered there, and claimed from there.
 *
 * Locks: none. Indexes: work_pool_workspace_id_name_key, live_run_claim_idx.
 */
export function fewWaiting(tx: Tx, { deploymentIds, flowIds }: RunLists): Prisma.Sql {
  const ofNoDeployment = Prisma.sql`
    union all
    ${waiting(tx, Prisma.sql`l.pool_id is null and l.deployment_id is null`)}`;
  return Prisma.sql`${queues(tx)},
    few as materialized (
      select run_id from (
        select line.run_id from unnest(${deploymentIds}::uuid[]) as list (id) cross join queue
        cross join lateral (${waiting(
          tx,
          Prisma.sql`l.pool_id = queue.pool_id and l.queue_priority = queue.queue_priority
            and l.queue_id = queue.queue_id and l.deployment_id = list.id`,
        )}) as line
        ${flowIds.length === 0 ? Prisma.empty : ofNoDeployment}
      ) as found
      limit ${FEW_WAITING + 1}::int
    )`;
}

/** The recursive term `queue`: in which queues, and under which priorities, anything waits. One jump for each. */
function queues(tx: Tx): Prisma.Sql {
  const first = Prisma.sql`
    select l.queue_priority, l.queue_id from live_run l
    where (l.workspace_id = ${tx.workspaceId}::uuid) is true and l.session_id is null`;
  const inOrder = Prisma.sql`order by l.queue_priority, l.queue_id limit 1`;
  return Prisma.sql`queue as (
      select p.id as pool_id, first.* from work_pool p
      cross join lateral (${first} and l.pool_id = p.id ${inOrder}) as first
      where p.workspace_id = ${tx.workspaceId}::uuid
      union all
      select queue.pool_id, next.* from queue
      cross join lateral (
        ${first} and l.pool_id = queue.pool_id and (l.queue_priority, l.queue_id) > (queue.queue_priority, queue.queue_id)
        ${inOrder}
      ) as next
    )`;
}

function waiting(tx: Tx, isInLine: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`(
    select l.run_id from live_run l
    where (l.workspace_id = ${tx.workspaceId}::uuid) is true and ${isInLine}
      and l.session_id is null and l.state_type = 'SCHEDULED'
    limit ${FEW_WAITING + 1}::int
  )`;
}
