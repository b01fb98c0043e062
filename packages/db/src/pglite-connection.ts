import { mkdir } from "node:fs/promises";
import path from "node:path";
import { PGlite, types, type Transaction } from "@electric-sql/pglite";
import { PrismaPGlite } from "pglite-prisma-adapter";
import { lockDataDirectory } from "./data-directory-lock.ts";
import {
  applySettings,
  type DatabaseConnection,
  type OpenTransaction,
  type TransactionSettings,
} from "./database-connection.ts";
import { deferred, type Deferred } from "./deferred.ts";

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
      adapter: new PrismaPGlite(client),
      begin: (settings) => begin(client, settings),
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

/** PGlite wants a transaction as a callback: this one lasts until someone ends it. */
function begin(client: PGlite, settings: TransactionSettings): Promise<OpenTransaction> {
  return new Promise((resolve, reject) => {
    const settled = client.transaction(async (inner) => {
      await inner.exec(applySettings(settings));
      const end = deferred();
      resolve({
        ...asOpen(inner, end, () => settled),
        // It waits for its turn by itself.
        behind: (next) => begin(client, next),
      });
      await end.promise;
    });
    settled.catch(reject); // once resolved this does nothing: commit() then throws the same error
  });
}

function asOpen(
  inner: Transaction,
  end: Deferred,
  settled: () => Promise<void>,
): Omit<OpenTransaction, "behind"> {
  return {
    query: async ({ text, values }) => {
      const { rows, affectedRows } = await inner.query<Record<string, unknown>>(
        text,
        [...values],
        options,
      );
      return { rows, count: affectedRows ?? rows.length };
    },
    // The published adapter asks nothing of its client but `query`, which a transaction has too.
    queryable: () => new PrismaPGlite(inner as unknown as PGlite).connect(),
    commit: () => {
      end.resolve();
      return settled();
    },
    rollback: async () => {
      await inner.rollback().catch(() => {});
      end.resolve();
      await settled().catch(() => {});
    },
  };
}

const options = { parsers: { [types.INT8]: BigInt } };
