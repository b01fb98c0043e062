import { withClient } from "@downbeat/testkit/with-client";
import type pg from "pg";

export const FILLED_DAYS = 90;
const PARTITION_DAYS = 9;
const DAY_MS = 86_400_000;
/** Runs that one statement makes. */
const BATCH = 250_000;
/** Of a hundred runs the last three failed. */
const FAILED_PERCENT = 3;

export type Filling = {
  readonly runs: number;
  /** Names of the flows whose deployments `default` the runs are of: most, and few. */
  readonly common: string;
  readonly rare: string;
  /** One run of so many is of the rare deployment. Default 1000. */
  readonly rareEvery?: number;
};

/**
 * Writes finished runs with their histories straight into the tables, evenly over the 90 days before today, in the partitions that the
 * engine would have made by then. The deployments must be there.
 */
export function fillRuns(url: string, filling: Filling): Promise<void> {
  return withClient(url, async (client) => {
    // As fast as it goes: whoever loses power starts again.
    await client.query("set synchronous_commit = off");
    const [first, today] = await layOutPartitions(client);
    const { rareEvery = 1000 } = filling;
    const stepMs = (today - first) / filling.runs;
    for (let done = 0; done < filling.runs; done += BATCH) {
      const count = Math.min(BATCH, filling.runs - done);
      const values = [done, count, first, stepMs, filling.common, filling.rare, rareEvery];
      await client.query(FILL, values);
    }
    await client.query("vacuum (analyze)");
    await client.query("checkpoint");
  });
}

// Sets back where the partitions begin, as if the installation were as old as its runs. Returns the first day and today.
async function layOutPartitions(client: pg.Client): Promise<[first: number, today: number]> {
  const { rows } = await client.query<{ run_table: string; to_id: string; ends_at: Date }>(
    "select run_table, to_id, ends_at from run_partition where name = run_table || '_before'",
  );
  const todayMs = (rows[0]?.ends_at.getTime() ?? 0) - DAY_MS;
  const firstMs = todayMs - FILLED_DAYS * DAY_MS;
  for (const { run_table: table, to_id: toId } of rows) {
    await client.query(`alter table ${table} detach partition ${table}_before`);
    for (let fromMs = firstMs; fromMs <= todayMs; fromMs += PARTITION_DAYS * DAY_MS) {
      const endMs = fromMs + PARTITION_DAYS * DAY_MS;
      const to = endMs > todayMs ? `'${toId}'` : `run_id_at(to_timestamp(${endMs / 1000}))`;
      const name = `${table}_${new Date(fromMs).toISOString().slice(0, 10).replaceAll("-", "")}`;
      await client.query(`create table ${name} partition of ${table}
        for values from (run_id_at(to_timestamp(${fromMs / 1000}))) to (${to})`);
      await client.query(`alter table ${name} enable row level security, force row level security`);
    }
    await client.query(`alter table ${table} attach partition ${table}_before
      for values from (minvalue) to (run_id_at(to_timestamp(${firstMs / 1000})))`);
  }
  return [firstMs, todayMs];
}

const FILL = `
  with target as (
    select d.id as deployment_id, d.workspace_id, d.flow_id, d.flow_version_id, d.queue_id, q.pool_id, f.name
    from deployment d join flow f on f.id = d.flow_id join work_queue q on q.id = d.queue_id
  ),
  run as materialized (
    select target.*, g.at, case when g.n % 100 >= ${100 - FAILED_PERCENT} then 'FAILED' else 'COMPLETED' end as type,
      (lpad(to_hex((extract(epoch from g.at) * 1000)::bigint), 12, '0') || '7'
        || lpad(to_hex(g.n % 4096), 3, '0') || '8' || substr(md5(g.n::text), 1, 15))::uuid as id
    from (
      select n, to_timestamp(($3::double precision + n * $4::double precision) / 1000) as at
      from generate_series($1::int, $1::int + $2::int - 1) as n
    ) as g
    join target on target.name = case when g.n % $7::int = 7 then $6::text else $5::text end
  ),
  identity as (
    insert into flow_run (id, workspace_id, flow_id, flow_version_id, deployment_id, pool_id, queue_id, created_by_kind, created_at, scheduled_for)
    select id, workspace_id, flow_id, flow_version_id, deployment_id, pool_id, queue_id, 'api-key', at, at from run
  ),
  ended as (
    insert into ended_run (run_id, workspace_id, state_type, state_name, state_at, state_sequence, reason, started_at, epoch,
      listed_under)
    select id, workspace_id, type, initcap(type), at + interval '1 second', 3, lower(type), at, 1, deployment_id from run
  )
  insert into run_state (run_id, sequence, workspace_id, type, name, at, epoch, actor_kind, reason)
  select id, step.sequence, workspace_id, coalesce(step.type, run.type), initcap(coalesce(step.type, run.type)), at, 1, 'agent',
    coalesce(step.reason, lower(run.type))
  from run cross join (values
    (1, 'PENDING', 'claimed'), (2, 'RUNNING', 'started'), (3, null, null)
  ) as step (sequence, type, reason)`;
