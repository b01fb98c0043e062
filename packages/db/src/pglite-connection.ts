import { mkdir } from "node:fs/promises";
import path from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { lockDataDirectory } from "./data-directory-lock.ts";
import type { DatabaseConnection } from "./database-connection.ts";
import { pgliteAdapter } from "./pglite-adapter.ts";

/**
 * Opens the embedded database; undefined keeps it in memory.
 *
 * @throws DownbeatError `data_directory_in_use` when another live process has the directory.
 */
export async function openPglite(dataDir: string | undefined): Promise<DatabaseConnection> {
  if (dataDir !== undefined) await mkdir(path.dirname(path.resolve(dataDir)), { recursive: true });
  const unlock = dataDir === undefined ? undefined : await lockDataDirectory(dataDir);
  try {
    const client = await PGlite.create(dataDir === undefined ? {} : { dataDir });
    return {
      kind: "pglite",
      adapter: pgliteAdapter(client),
      // Not in `runExclusive`: that holds the very lock which each query below takes, and would never end. So nothing
      // else may use the database meanwhile; migrations run before anyone does.
      withSession: (work) =>
        work({
          run: async (script) => void (await client.exec(script)),
          query: async (text, values = []) =>
            (await client.query<Record<string, unknown>>(text, [...values])).rows,
        }),
      close: async () => {
        await client.close();
        await unlock?.();
      },
    };
  } catch (error) {
    await unlock?.();
    throw error;
  }
}
