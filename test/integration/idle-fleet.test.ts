import { openDatabase, type Database } from "@downbeat/db";
import { startPostgres, waitFor, type PostgresServer } from "@downbeat/testkit";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { StatementLog } from "../bench/statement-log.ts";
import { startTestApi, type TestAgent, type TestApi } from "./api-harness.ts";
import { claim, openSession } from "./api-stage.ts";

const AGENTS = 20;
const BEATS = 4;
const HELD_SECONDS = 0.3;

let server: PostgresServer;
let log: StatementLog;
let database: Database;
let api: TestApi;
let watcher: pg.Client;

beforeAll(async () => {
  log = await StatementLog.open();
  server = await startPostgres({ own: true, settings: log.settings });
  // One connection, so that all it has done is told at once.
  database = await openDatabase({ url: server.url, poolSize: 1 });
  await database.migrate();
  api = await startTestApi(database, { environment: { DOWNBEAT_SWEEP_SECONDS: "0.1" } });
  watcher = new pg.Client({ connectionString: server.url });
  await watcher.connect();
});
afterAll(async () => {
  await api?.app.close();
  await watcher?.end();
  await database?.close();
  await server?.stop();
  await log?.close();
});

it("an idle fleet writes its heartbeats and nothing else", async () => {
  const here = await api.workspace("here");
  const agents = await Promise.all(Array.from({ length: AGENTS }, () => api.enrol(here)));
  const sessions = await Promise.all(agents.map((agent) => openSession(agent)));
  await untilTold(({ agent_session }) => agent_session?.inserted === AGENTS);
  const [rowsBefore, transactionsBefore] = [await rowsWritten(), await writingTransactions()];
  await log.take();

  for (let tick = 1; tick <= BEATS; tick += 1)
    await Promise.all(agents.map((agent, at) => idle(agent, sessions[at] ?? "", tick)));

  const statements = await log.take();
  const beats = [...statements].filter(([kind]) => kind.includes("update agent_session"));
  const heartbeats = beats.reduce((sum, [, count]) => sum + count, 0);
  expect(heartbeats).toBeGreaterThan(0);
  // A transaction that writes, or locks a row, takes a number; those that only read take none.
  expect((await writingTransactions()) - transactionsBefore).toBe(heartbeats);
  const touched = await untilTold(
    ({ agent_session }) =>
      (agent_session?.updated ?? 0) - (rowsBefore["agent_session"]?.updated ?? 0) >= AGENTS * BEATS,
  );
  const changes = Object.entries(touched).flatMap(([table, rows]) => {
    const before = rowsBefore[table] ?? { inserted: 0, updated: 0, deleted: 0 };
    const inserted = rows.inserted - before.inserted;
    const updated = rows.updated - before.updated;
    const deleted = rows.deleted - before.deleted;
    return inserted + updated + deleted === 0 ? [] : [{ table, inserted, updated, deleted }];
  });
  expect(changes).toEqual([
    { table: "agent_session", inserted: 0, updated: AGENTS * BEATS, deleted: 0 },
  ]);
});

/** A poll that finds nothing and is a heartbeat too; the engine's loops turn meanwhile. */
async function idle(agent: TestAgent, sessionId: string, idleTick: number): Promise<void> {
  const { leases } = await claim(agent, sessionId, { waitSeconds: HELD_SECONDS, idleTick });
  expect(leases).toEqual([]);
}

type Rows = { readonly inserted: number; readonly updated: number; readonly deleted: number };

async function rowsWritten(): Promise<Record<string, Rows>> {
  const { rows } = await watcher.query<Rows & { name: string }>(
    `select relname as name, n_tup_ins::int as inserted, n_tup_upd::int as updated, n_tup_del::int as deleted
     from pg_stat_user_tables`,
  );
  return Object.fromEntries(rows.map(({ name, ...counts }) => [name, counts]));
}

// Backends tell what they did about once a second; the engine's loops keep ours talking.
function untilTold(isTold: (rows: Record<string, Rows>) => boolean): Promise<Record<string, Rows>> {
  return waitFor(
    async () => {
      const rows = await rowsWritten();
      return isTold(rows) ? rows : undefined;
    },
    { describe: "the server to tell which rows were written", deadlineMs: 20_000 },
  );
}

async function writingTransactions(): Promise<number> {
  const { rows } = await watcher.query<{ next: string }>(
    "select pg_snapshot_xmax(pg_current_snapshot())::text as next",
  );
  return Number(rows[0]?.next);
}
