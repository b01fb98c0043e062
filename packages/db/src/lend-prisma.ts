import type {
  SqlMigrationAwareDriverAdapterFactory,
  Transaction,
} from "@prisma/driver-adapter-utils";
import type { OpenTransaction, SqlResult, SqlStatement } from "./database-connection.ts";
import { deferred, type Deferred } from "./deferred.ts";
import { Prisma, type PrismaClient } from "./generated/client.ts";

type Offer = { readonly open: OpenTransaction; readonly taken: Deferred };

// Prisma does not say on whose behalf it begins a transaction, so one at a time is offered to it. An AsyncLocalStorage
// would tell, but from its first use on every promise of the process is followed, which costs time and memory.
let offered: Offer | undefined;
let lastTaken = Promise.resolve();

/** Prisma's adapter, but its transactions are those we have opened already: Prisma begins and ends none itself. */
export function adapterOnOpenTransactions(
  published: SqlMigrationAwareDriverAdapterFactory,
): SqlMigrationAwareDriverAdapterFactory {
  return {
    provider: published.provider,
    adapterName: published.adapterName,
    connect: async () => {
      const adapter = await published.connect();
      adapter.startTransaction = startTransaction;
      return adapter;
    },
    connectToShadowDb: () => published.connectToShadowDb(),
  };
}

async function startTransaction(): Promise<Transaction> {
  const offer = offered;
  if (offer === undefined)
    throw new Error("Prisma was used outside a transaction of the Database.");
  withdraw(offer);
  const queryable = await offer.open.queryable();
  return {
    provider: queryable.provider,
    adapterName: queryable.adapterName,
    options: { usePhantomQuery: true }, // or Prisma would send COMMIT and ROLLBACK
    queryRaw: (query) => queryable.queryRaw(query),
    executeRaw: (query) => queryable.executeRaw(query),
    commit: async () => {},
    rollback: async () => {},
  };
}

export type LentPrisma = {
  readonly client: Prisma.TransactionClient;
  /** The next raw statement is the last one. */
  readonly ends: () => void;
  /** To be called before the transaction is committed or rolled back. */
  readonly giveBack: () => Promise<void>;
};

type Lease = { readonly client: Prisma.TransactionClient; readonly end: () => Promise<void> };

/**
 * A Prisma client inside an open transaction. Raw statements, which all hot paths are made of, go to the driver without
 * Prisma's engine (about 0.8 ms each, see docs/performance.md); the first use of a model begins Prisma's own bookkeeping.
 */
export function lendPrisma(prisma: PrismaClient, open: OpenTransaction): LentPrisma {
  let lease: Promise<Lease> | undefined;
  const models = (): Promise<Lease> => (lease ??= borrow(prisma, open));
  let place: Place = "before";
  const send: Send = (statement) => {
    if (place === "over") throw new Error("A statement follows the one that was to be the last.");
    const last = place === "last";
    if (last) place = "over";
    return open.query(statement, { last });
  };
  const client = new Proxy(rawMethods(send), {
    get: (raw, name: string) => (name in raw ? raw[name] : modelOf(name, models)),
  });
  return {
    client: client as unknown as Prisma.TransactionClient,
    ends: () => (place = "last"),
    giveBack: async () => (await lease)?.end(),
  };
}

type Place = "before" | "last" | "over";
type Send = (statement: SqlStatement) => Promise<SqlResult>;
type Method = (...args: never[]) => unknown;

function rawMethods(send: Send): Record<string, Method> {
  type Template = TemplateStringsArray | Prisma.Sql;
  const toSql = (template: Template, values: readonly unknown[]) =>
    template instanceof Prisma.Sql ? template : new Prisma.Sql(template, values);
  return {
    $queryRaw: async (template: Template, ...values: unknown[]) =>
      (await send(toSql(template, values))).rows,
    $executeRaw: async (template: Template, ...values: unknown[]) =>
      (await send(toSql(template, values))).count,
    $queryRawUnsafe: async (text: string, ...values: unknown[]) =>
      (await send({ text, values })).rows,
    $executeRawUnsafe: async (text: string, ...values: unknown[]) =>
      (await send({ text, values })).count,
  };
}

function modelOf(model: string, models: () => Promise<Lease>): unknown {
  return new Proxy(
    {},
    {
      get:
        (_, operation: string) =>
        async (...args: readonly unknown[]): Promise<unknown> => {
          const { client } = await models();
          const delegate = client[model as keyof typeof client] as unknown as Record<
            string,
            Method
          >;
          return Reflect.apply(delegate[operation] as Method, delegate, args);
        },
    },
  );
}

async function borrow(prisma: PrismaClient, open: OpenTransaction): Promise<Lease> {
  const offer = { open, taken: deferred() };
  const before = lastTaken;
  lastTaken = offer.taken.promise;
  await before;
  offered = offer;
  try {
    return await begin(prisma);
  } finally {
    withdraw(offer);
  }
}

function withdraw(offer: Offer): void {
  if (offered === offer) offered = undefined;
  offer.taken.resolve();
}

// Prisma wants a callback; it is held open until the transaction ends.
function begin(prisma: PrismaClient): Promise<Lease> {
  return new Promise((resolve, reject) => {
    const end = deferred();
    const ended = prisma.$transaction(async (client) => {
      resolve({
        client,
        end: () => {
          end.resolve();
          return ended;
        },
      });
      await end.promise;
    });
    ended.catch(reject);
  });
}
