import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { withClient } from "@downbeat/testkit";
import type pg from "pg";

const DIRECTORY = path.join(import.meta.dirname, "../../prisma/migrations");

/**
 * Applies a migration once more, as an upgrade does that finds rows in the tables: by an owner that is no superuser, so that
 * forced policies hold it too.
 *
 * @param migration the number it begins with
 * @param undo takes back what it has made
 */
export function migrateAgain(
  url: string,
  { migration, undo }: { readonly migration: string; readonly undo: string },
): Promise<void> {
  return withClient(url, (client) =>
    asWeakOwner(client, async () => {
      const name = (await readdir(DIRECTORY)).find((one) => one.startsWith(`${migration}_`)) ?? "";
      await client.query(`begin; ${undo}`);
      await client.query(await readFile(path.join(DIRECTORY, name, "migration.sql"), "utf8"));
      await client.query("commit");
    }),
  );
}

async function asWeakOwner(client: pg.Client, work: () => Promise<void>): Promise<void> {
  const owner = `owner_${randomUUID().replaceAll("-", "")}`;
  await client.query(`create role ${owner}; grant create, usage on schema public to ${owner}`);
  await giveAll(client, owner);
  await client.query(`set role ${owner}`);
  await work();
  await client.query("reset role");
  await giveAll(client, "current_user");
  await client.query(`drop owned by ${owner}; drop role ${owner}`);
}

async function giveAll(client: pg.Client, to: string): Promise<void> {
  const { rows } = await client.query<{ what: string }>(
    `select format('table %I', relname) as what from pg_class
     where relkind in ('r', 'p', 'v') and relnamespace = 'public'::regnamespace
     union all
     select format('function %s', oid::regprocedure) from pg_proc where pronamespace = 'public'::regnamespace`,
  );
  await client.query(rows.map(({ what }) => `alter ${what} owner to ${to}`).join(";"));
}
