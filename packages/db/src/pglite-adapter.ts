import type { PGlite, Transaction as PGliteTransaction } from "@electric-sql/pglite";
import type {
  SqlDriverAdapter,
  SqlMigrationAwareDriverAdapterFactory,
  Transaction,
} from "@prisma/driver-adapter-utils";
import { PrismaPGlite } from "pglite-prisma-adapter";

/**
 * Prisma's adapter for PGlite with transactions of our own: the published one answers a COMMIT that failed as if it had
 * succeeded, and an acknowledged run must not be lost.
 */
export function pgliteAdapter(client: PGlite): SqlMigrationAwareDriverAdapterFactory {
  const published = new PrismaPGlite(client);
  return {
    provider: published.provider,
    adapterName: published.adapterName,
    connect: async () => {
      const adapter: SqlDriverAdapter = await published.connect();
      adapter.startTransaction = () => startTransaction(client);
      return adapter;
    },
    connectToShadowDb: () => published.connectToShadowDb(),
  };
}

function startTransaction(client: PGlite): Promise<Transaction> {
  return new Promise((resolve, reject) => {
    const settled = client.transaction(async (inner) => {
      const end = deferred();
      resolve(await asTransaction(inner, end, () => settled));
      await end.promise;
    });
    settled.catch(reject); // once resolved this does nothing: commit() then throws the same error
  });
}

async function asTransaction(
  inner: PGliteTransaction,
  end: Deferred,
  settled: () => Promise<void>,
): Promise<Transaction> {
  // The published adapter asks nothing of its client but `query`, which a transaction has too.
  const queryable = await new PrismaPGlite(inner as unknown as PGlite).connect();
  return {
    provider: queryable.provider,
    adapterName: queryable.adapterName,
    // PGlite sends COMMIT and ROLLBACK itself.
    options: { usePhantomQuery: true },
    queryRaw: (query) => queryable.queryRaw(query),
    executeRaw: (query) => queryable.executeRaw(query),
    commit: () => {
      end.resolve();
      return settled();
    },
    rollback: async () => {
      await inner.rollback();
      end.resolve();
      await settled();
    },
  };
}

type Deferred = { readonly promise: Promise<void>; readonly resolve: () => void };

function deferred(): Deferred {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
