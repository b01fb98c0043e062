import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { withClient } from "@downbeat/testkit/with-client";
import { PGlite } from "@electric-sql/pglite";

type Query = (sql: string) => Promise<Record<string, unknown>[]>;

/** Every row of every table as text, with bytes as hexadecimal: what someone who steals the database can read. */
export function dumpPostgres(url: string): Promise<string> {
  return withClient(url, (client) =>
    dump(async (sql) => (await client.query<Record<string, unknown>>(sql)).rows),
  );
}

/** The same for the embedded database. The process that owns it must have ended. */
export async function dumpEmbedded(dataDir: string): Promise<string> {
  const database = await PGlite.create({ dataDir });
  try {
    return await dump(async (sql) => (await database.query<Record<string, unknown>>(sql)).rows);
  } finally {
    await database.close();
  }
}

async function dump(query: Query): Promise<string> {
  const tables = await query(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  if (tables.length < 10)
    throw new Error(`Only ${tables.length} tables found: this is not the API's database.`);
  const parts: string[] = [];
  for (const { name } of tables) {
    const rows = await query(`select row_to_json(t)::text as row from ${String(name)} t`);
    parts.push(String(name), ...rows.map(({ row }) => String(row)));
  }
  return parts.join("\n");
}

/** All files below a folder, as one latin-1 text, so that searches see raw bytes. */
export async function readTree(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = await Promise.all(
    files.map((file) => readFile(join(file.parentPath, file.name), "latin1")),
  );
  return texts.join("\n");
}
