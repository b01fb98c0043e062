import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { DatabaseConnection, SqlSession } from "./database-connection.ts";

/** prisma/migrations of this repository, from src and from dist alike. */
export const defaultMigrationsDir = fileURLToPath(
  new URL("../../../prisma/migrations", import.meta.url),
);

export type Migration = { readonly name: string; readonly sql: string; readonly checksum: string };

// "downbeat" on a telephone keypad; any number does that nobody else uses in this database.
const advisoryLock = 36_962_328;
// Roles belong to the whole server: a migration of another database may make or grant them at the same moment. Such a
// race ends in one of these, and trying again finds the work done.
const LOST_RACE = new Set(["XX000", "23505", "42710", "40P01", "40001"]);
const attempts = 10;

/**
 * Applies the migrations that are missing, each in its own transaction, and returns their names. Processes that start
 * together take turns.
 *
 * @throws Error when a migration was changed after it had been applied, or its SQL fails.
 */
export async function applyMigrations(
  connection: DatabaseConnection,
  migrationsDir: string,
): Promise<string[]> {
  const migrations = await readMigrations(migrationsDir);
  return connection.withSession(async (session) => {
    await session.query("select pg_advisory_lock($1::bigint)::text", [advisoryLock]);
    try {
      return await applyMissing(session, migrations);
    } finally {
      await session.query("select pg_advisory_unlock($1::bigint)", [advisoryLock]);
    }
  });
}

/** The migrations of a folder, oldest first. */
export async function readMigrations(migrationsDir: string): Promise<Migration[]> {
  const entries = await readdir(migrationsDir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(
    names.toSorted().map(async (name) => {
      const sql = await readFile(path.join(migrationsDir, name, "migration.sql"), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

async function applyMissing(
  session: SqlSession,
  migrations: readonly Migration[],
): Promise<string[]> {
  await session.run(`create table if not exists _downbeat_migration (
    name text primary key, checksum text not null, applied_at timestamptz not null default now()
  )`);
  const rows = await session.query("select name, checksum from _downbeat_migration");
  const applied = new Map(rows.map((row) => [String(row["name"]), String(row["checksum"])]));
  const missing = migrations.filter((migration) =>
    isMissing(migration, applied.get(migration.name)),
  );
  for (const migration of missing) await applyOne(session, migration, attempts);
  return missing.map(({ name }) => name);
}

function isMissing({ name, checksum }: Migration, appliedChecksum: string | undefined): boolean {
  if (appliedChecksum === undefined) return true;
  if (appliedChecksum === checksum) return false;
  throw new Error(
    `Migration "${name}" was changed after it had been applied (${appliedChecksum.slice(0, 12)} then, ` +
      `${checksum.slice(0, 12)} now). Restore the file and put the change into a new migration.`,
  );
}

async function applyOne(
  session: SqlSession,
  migration: Migration,
  attemptsLeft: number,
): Promise<void> {
  try {
    await session.run("begin");
    await session.run(migration.sql);
    await session.query("insert into _downbeat_migration (name, checksum) values ($1, $2)", [
      migration.name,
      migration.checksum,
    ]);
    await session.run("commit");
  } catch (error) {
    await session.run("rollback");
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (attemptsLeft > 1 && LOST_RACE.has(code))
      return applyOne(session, migration, attemptsLeft - 1);
    throw new Error(`Migration "${migration.name}" failed: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
