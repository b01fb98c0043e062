import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import path from "node:path";
import { openDatabase } from "@downbeat/db";
import { currentTestRun, databaseName, onServer, type TestRun, whileLocked } from "./test-run.ts";
import { waitFor } from "./wait-for.ts";

/** The databases Downbeat runs on; suites run on both. */
export const DATABASE_KINDS = ["pglite", "postgres"] as const;
export type DatabaseKind = (typeof DATABASE_KINDS)[number];

/** A throw-away, migrated database that nobody has opened yet. */
export type DatabasePlace = {
  readonly kind: DatabaseKind;
  /** For `openDatabase`: `url` on PostgreSQL, `dataDir` for PGlite, never both. */
  readonly options: { readonly url?: string; readonly dataDir?: string };
  /**
   * Removes it.
   *
   * @throws Error when someone still holds a connection: a leak in the code under test.
   */
  readonly drop: () => Promise<void>;
};

// Any number will do, as long as nothing else on a test server locks it.
const TEMPLATE_LOCK = 4_200_001;

/** Makes a throw-away database for a process that opens it itself: on PostgreSQL or in a PGlite directory. */
export async function reserveDatabase(kind: DatabaseKind): Promise<DatabasePlace> {
  const run = await currentTestRun();
  return kind === "postgres" ? reserveOnPostgres(run) : reserveForPglite(run);
}

let reserved = 0;

async function reserveOnPostgres({ runId, postgresUrl }: TestRun): Promise<DatabasePlace> {
  const template = await postgresTemplate(runId, postgresUrl);
  const name = databaseName(runId, `${process.pid}_${(reserved += 1)}`);
  await onServer(postgresUrl, `create database "${name}" template "${template}"`);
  return {
    kind: "postgres",
    options: { url: atDatabase(postgresUrl, name) },
    drop: async () => {
      // Not by force: cutting a leaked connection would crash the test that ought to report it. The run's end removes
      // what stays.
      await waitFor(() => isUnused(postgresUrl, name), {
        deadlineMs: 5_000,
        describe: `every connection to ${name} to be closed`,
      });
      await onServer(postgresUrl, `drop database "${name}"`);
    },
  };
}

// The first file of a run to come here migrates the template; the others wait at the lock, then find it.
async function postgresTemplate(runId: string, postgresUrl: string): Promise<string> {
  const name = databaseName(runId, "template");
  const draft = `${name}_draft`;
  const exists = async (): Promise<boolean> =>
    (await onServer(postgresUrl, `select 1 from pg_database where datname = '${name}'`)).length > 0;
  await whileLocked(postgresUrl, TEMPLATE_LOCK, async () => {
    if (await exists()) return;
    await onServer(postgresUrl, `drop database if exists "${draft}" with (force)`);
    await onServer(postgresUrl, `create database "${draft}"`);
    await migrate({ url: atDatabase(postgresUrl, draft) });
    await waitFor(() => isUnused(postgresUrl, draft), { describe: "the migration to disconnect" });
    await onServer(postgresUrl, `alter database "${draft}" rename to "${name}"`);
  });
  return name;
}

async function reserveForPglite({ scratchDir }: TestRun): Promise<DatabasePlace> {
  const template = await pgliteTemplate(scratchDir);
  const parent = await mkdtemp(path.join(scratchDir, "pglite-"));
  const dataDir = path.join(parent, "data");
  await cp(template, dataDir, { recursive: true });
  return {
    kind: "pglite",
    options: { dataDir },
    drop: () => rm(parent, { recursive: true, force: true, maxRetries: 10 }),
  };
}

// Copying a migrated directory takes 0.1 s; making one takes over 3 s. Two files may both make one at first; the rename
// is atomic, and who comes second throws its own away.
async function pgliteTemplate(scratchDir: string): Promise<string> {
  const finished = path.join(scratchDir, "pglite-template");
  if (existsSync(finished)) return finished;
  const draft = path.join(scratchDir, `pglite-draft-${process.pid}-${(reserved += 1)}`);
  await mkdir(draft);
  await migrate({ dataDir: draft });
  try {
    await rename(draft, finished);
  } catch (error) {
    if (!existsSync(finished)) throw error;
    await rm(draft, { recursive: true });
  }
  return finished;
}

async function migrate(options: DatabasePlace["options"]): Promise<void> {
  const database = await openDatabase(options);
  try {
    await database.migrate();
  } finally {
    await database.close();
  }
}

async function isUnused(postgresUrl: string, name: string): Promise<boolean> {
  const connections = await onServer(
    postgresUrl,
    `select 1 from pg_stat_activity where datname = '${name}' and backend_type = 'client backend'`,
  );
  return connections.length === 0;
}

function atDatabase(postgresUrl: string, name: string): string {
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return url.href;
}
