import { withClient } from "@downbeat/testkit/with-client";
import { PGlite } from "@electric-sql/pglite";
import type { BenchDatabase } from "./bench-database.ts";

const BATCH = 500;
const BATCHES = 20;

type Execute = (sql: string, values?: unknown[]) => Promise<unknown>;

/**
 * The limit for throughput: the least a durable orchestrator must write (a run, its claim, its end, four history rows),
 * in bare set-based statements, without HTTP, rules, fences or roles. Runs per second.
 */
export async function rawSqlRate(database: BenchDatabase): Promise<number> {
  const url = await database.fresh();
  return url === undefined ? onEmbedded() : onPostgres(url);
}

async function onEmbedded(): Promise<number> {
  const embedded = await PGlite.create();
  try {
    return await measure((sql, values) => embedded.query(sql, values));
  } finally {
    await embedded.close();
  }
}

function onPostgres(url: string): Promise<number> {
  return withClient(url, (client) => measure((sql, values) => client.query(sql, values)));
}

const CREATE = `
  with made as (insert into raw_run select g, now(), null from generate_series($1::int, $2::int) g returning id),
       hot as (insert into raw_live select id, 'SCHEDULED', 0, null from made returning id)
  insert into raw_history select id, 1, 'SCHEDULED', now() from hot`;
const CLAIM = `
  with claimed as (update raw_live set state = 'PENDING', epoch = epoch + 1, token = gen_random_uuid()
    where id in (select id from raw_live where state = 'SCHEDULED' order by id limit $1 for update skip locked) returning id)
  insert into raw_history select id, n, s, now() from claimed cross join (values (2, 'PENDING'), (3, 'RUNNING')) v(n, s)`;
const FINISH = `
  with gone as (delete from raw_live where id between $1 and $2 returning id),
       done as (update raw_run set ended_at = now() from gone where raw_run.id = gone.id returning raw_run.id)
  insert into raw_history select id, 4, 'COMPLETED', now() from done`;

async function measure(execute: Execute): Promise<number> {
  await execute(
    "create table raw_run (id int primary key, created_at timestamptz, ended_at timestamptz)",
  );
  await execute("create table raw_live (id int primary key, state text, epoch int, token uuid)");
  await execute(
    "create table raw_history (run_id int, sequence int, state text, at timestamptz, primary key (run_id, sequence))",
  );
  const startedAt = performance.now();
  for (let i = 0; i < BATCHES; i++) {
    const [first, last] = [i * BATCH + 1, (i + 1) * BATCH];
    await execute(CREATE, [first, last]);
    await execute(CLAIM, [BATCH]);
    await execute(FINISH, [first, last]);
  }
  return (BATCH * BATCHES) / ((performance.now() - startedAt) / 1000);
}
