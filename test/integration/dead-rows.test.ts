import { deadRowsRound } from "@downbeat/api";
import {
  compactLiveRun,
  countDeadRows,
  openDatabase,
  sqlStateOf,
  type Database,
} from "@downbeat/db";
import { createDatabase, waitFor, withClient, type TestDatabase } from "@downbeat/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aSession, aWorkspace, claim, moveRuns, someRuns, type Fixture } from "./db-fixture.ts";

const DONE: Parameters<typeof moveRuns>[2] = [
  ["RUNNING", "Running", "started"],
  ["COMPLETED", "Completed", "completed"],
];

// The embedded database has one connection: nobody else's transaction is ever open.
describe("dead rows of live runs", () => {
  let made: TestDatabase;
  let database: Database;
  let fixture: Fixture;
  let url: string;

  beforeAll(async () => {
    made = await createDatabase("postgres");
    url = made.place.options.url ?? "";
    // The copy must not read under a snapshot from before its lock, whatever the server's default is.
    await withClient(url, (client) =>
      client.query(`do $$ begin execute format('alter database %I set default_transaction_isolation = ''repeatable read''',
        current_database()); end $$`),
    );
    database = await openDatabase({ url });
    fixture = await aWorkspace(database);
  });
  afterAll(async () => {
    await database?.close();
    await made?.drop();
  });

  it("are left behind while a transaction left open keeps vacuum from them", async () => {
    const other = await openTransaction("begin isolation level repeatable read; select now()");
    await finishRuns(100);
    const waiting = await someRuns(fixture, 3);
    await other.query("select 1"); // still the same snapshot
    await withClient(url, (client) => client.query("vacuum live_run"));
    await waitForDead((dead) => dead >= 100);
    const before = await rowsOf(fixture);

    const { round, lines } = aRound(database);
    await waitFor(() => round().then(() => lines.length > 0));
    expect(lines).toEqual([["left dead rows of live runs behind", expect.any(Object)]]);
    await waitForDead((dead) => dead === 0);
    expect(await rowsOf(fixture)).toEqual(before);
    await round();
    expect(lines).toHaveLength(1);

    const leases = await claim(fixture, { sessionId: await aSession(fixture) });
    expect(leases.map(({ runId }) => runId).toSorted()).toEqual(waiting.toSorted());
    await moveRuns(fixture, waiting, DONE);
    await other.end();
  });

  it("are left behind without a loss while runs come and go", async () => {
    let isOver = false;
    let compacted = 0;
    const compacting = (async () => {
      while (!isOver) {
        await database.asEngine(compactLiveRun).then(
          () => (compacted += 1),
          (error: unknown) => expect(sqlStateOf(error)).toBe("55P03"),
        );
      }
    })();
    await Promise.all(Array.from({ length: 4 }, () => finishRuns(200)));
    isOver = true;
    await compacting;
    expect(compacted).toBeGreaterThan(3);
    expect(await rowsOf(fixture)).toEqual([]);
  });

  it("are left behind with what was committed while the lock was waited for", async () => {
    const [runId = ""] = await someRuns(fixture, 1);
    await waitFor(
      async () => {
        const other = await openTransaction("begin");
        await other.query("update live_run set late = true where run_id = $1", [runId]);
        const compacting = database.asEngine(compactLiveRun).then(
          () => true,
          () => false, // it gave up before the other had committed
        );
        await waitFor(() => isWaitedFor(other));
        await other.query("commit");
        await other.end();
        return compacting;
      },
      { describe: "a copy that waited for its lock" },
    );
    expect(await rowsOf(fixture)).toMatchObject([{ runId, late: true }]);
    await inTurn([runId]);
  });

  it("end a session that is idle in a transaction and holds on to them, and no other", async () => {
    const bystander = await openTransaction("begin; select count(*) from flow_run");
    const holder = await openTransaction("begin; select count(*) from live_run");
    const ended = new Promise((resolve) => holder.once("error", resolve));
    await finishRuns(100);
    await waitForDead((dead) => dead >= 100);
    const patient = aRound(database);
    for (let rounds = 0; rounds < 3; rounds += 1) await patient.round();
    expect(patient.lines).toEqual([]);

    const { round, lines } = aRound(database, 0);
    await waitFor(() => round().then(() => lines.length > 0));
    await ended;
    await waitFor(() => round().then(() => lines.length > 1));
    expect(lines).toEqual([
      [
        "ended a session that was idle in a transaction and held on to live runs",
        { pid: pidOf(holder), applicationName: "left open" },
      ],
      ["left dead rows of live runs behind", expect.any(Object)],
    ]);
    expect((await bystander.query("select 1")).rowCount).toBe(1);
    await bystander.end();
  });

  async function finishRuns(count: number): Promise<void> {
    const sessionId = await aSession(fixture, count);
    const runIds = new Set(await someRuns(fixture, count));
    while (runIds.size > 0) {
      const leases = await claim(fixture, { sessionId, max: 50 });
      await moveRuns(
        fixture,
        leases.map(({ runId }) => runId),
        DONE,
      );
      if (leases.length === 0) return; // others took the rest
    }
  }

  async function inTurn(runIds: readonly string[]): Promise<void> {
    await claim(fixture, { sessionId: await aSession(fixture) });
    await moveRuns(fixture, [...runIds], DONE);
  }

  /** Whether somebody stands in line behind this session's lock on live_run. */
  async function isWaitedFor(holder: pg.Client): Promise<boolean> {
    const { rows } = await holder.query(
      "select from pg_locks where relation = 'live_run'::regclass and not granted",
    );
    return rows.length > 0;
  }

  async function openTransaction(text: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url, application_name: "left open" });
    client.on("error", () => {});
    await client.connect();
    await client.query(text);
    return client;
  }

  // Statistics are a second late.
  const waitForDead = (isReached: (dead: number) => boolean): Promise<unknown> =>
    waitFor(async () => isReached((await database.asEngine(countDeadRows)).dead), {
      deadlineMs: 15_000,
      describe: "the number of dead rows",
    });
});

type Line = [message: string, about: object];

function aRound(database: Database, idleSeconds?: number) {
  const lines: Line[] = [];
  const say = (about: object, message: string): void => void lines.push([message, about]);
  return { lines, round: deadRowsRound({ database, log: { debug: say, warn: say } }, idleSeconds) };
}

function rowsOf({ inside, workspaceId }: Fixture): Promise<object[]> {
  return inside((tx) =>
    tx.prisma.liveRun.findMany({ where: { workspaceId }, orderBy: { runId: "asc" } }),
  );
}

function pidOf(client: pg.Client): number {
  return (client as unknown as { processID: number }).processID;
}
