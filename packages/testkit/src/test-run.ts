import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { inject } from "vitest";
import { cleanUpAfterUs } from "./clean-up-after-us.ts";
import { startPostgres } from "./postgres-server.ts";
import { withClient } from "./with-client.ts";

/** What all test files of one run share. Plain data: it crosses from the runner to its workers. */
export type TestRun = {
  /** Sets this run's databases apart on a server that several runs use. */
  readonly runId: string;
  /** Superuser URL of the run's PostgreSQL server. */
  readonly postgresUrl: string;
  /** A directory for templates; removed with the run. */
  readonly scratchDir: string;
};

declare module "vitest" {
  interface ProvidedContext {
    testRun: TestRun;
  }
}

// Whoever kills a server, or what uses it, loses nothing by this: only a power cut would, and there the run ends as well.
const UNSYNCED = { fsync: "off", full_page_writes: "off" };

/** Starts what a run shares. `stop` leaves nothing behind, on a borrowed server either. */
export async function startTestRun(): Promise<TestRun & { readonly stop: () => Promise<void> }> {
  const server = await startPostgres({ settings: UNSYNCED });
  const runId = randomBytes(4).toString("hex");
  const scratchDir = await mkdtemp(path.join(tmpdir(), `downbeat-run-${runId}-`));
  cleanUpAfterUs(scratchDir);
  return {
    runId,
    postgresUrl: server.url,
    scratchDir,
    stop: async () => {
      if (server.origin === "external") await dropDatabasesOf(runId, server.url);
      await server.stop();
      await rm(scratchDir, { recursive: true, force: true });
    },
  };
}

let ownRun: Promise<TestRun> | undefined;

/** The run that the global setup provided; in a project without one, a run that ends with this process. */
export function currentTestRun(): Promise<TestRun> {
  const provided = inject("testRun") as TestRun | undefined;
  if (provided !== undefined) return Promise.resolve(provided);
  ownRun ??= startTestRun();
  return ownRun;
}

/** Runs statements on the server's `postgres` database, one after the other, and returns the last one's rows. */
export async function onServer(postgresUrl: string, ...statements: string[]): Promise<unknown[][]> {
  return withClient(postgresUrl, async (client) => {
    let rows: unknown[][] = [];
    for (const text of statements) rows = (await client.query({ text, rowMode: "array" })).rows;
    return rows;
  });
}

/** Does the work while no other process of the same server does work under the same lock. */
export async function whileLocked<T>(
  postgresUrl: string,
  lock: number,
  work: () => Promise<T>,
): Promise<T> {
  return withClient(postgresUrl, async (client) => {
    await client.query("select pg_advisory_lock($1)", [lock]);
    return work();
  });
}

/** `downbeat_<runId>_…`: every database of a run begins so. */
export function databaseName(runId: string, rest: string): string {
  return `downbeat_${runId}_${rest}`;
}

async function dropDatabasesOf(runId: string, postgresUrl: string): Promise<void> {
  const prefix = databaseName(runId, "");
  const names = await onServer(
    postgresUrl,
    `select datname from pg_database where starts_with(datname, '${prefix}')`,
  );
  await onServer(
    postgresUrl,
    ...names.map(([name]) => `drop database "${String(name)}" with (force)`),
  );
}
