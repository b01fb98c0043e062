import { translateDatabaseError } from "./database-errors.ts";
import type {
  DatabaseConnection,
  OpenTransaction,
  TransactionSettings,
} from "./database-connection.ts";
import { PrismaClient } from "./generated/client.ts";
import { lendPrisma, adapterOnOpenTransactions } from "./lend-prisma.ts";
import { applyMigrations, defaultMigrationsDir } from "./migrate.ts";
import { NO_NEWS, openNewsChannel, type HearNews, type NewsChannel } from "./news-channel.ts";
import { openPglite } from "./pglite-connection.ts";
import { openPostgres } from "./postgres-connection.ts";
import type {
  EngineTx,
  InWorkspace,
  OperatorTx,
  WorkspaceContext,
  WorkspaceTx,
} from "./transaction.ts";

export type DatabaseOptions = {
  /** PostgreSQL URL. Undefined chooses the embedded PGlite. */
  readonly url?: string | undefined;
  /** PGlite's directory; undefined (and no url) keeps everything in memory. */
  readonly dataDir?: string | undefined;
  /** Most connections to PostgreSQL. Default 10. */
  readonly poolSize?: number | undefined;
  /** Default: prisma/migrations of this repository. */
  readonly migrationsDir?: string | undefined;
};

/**
 * The only door to the data. Every callback runs in one transaction that commits when it returns and rolls back when it
 * throws. A lost connection throws DownbeatError `database_unreachable`.
 */
export type Database = {
  readonly kind: "postgres" | "pglite";
  /** Applies missing migrations, as the owner. Safe to call from several processes at once. */
  readonly migrate: () => Promise<{ applied: string[] }>;
  /** Work inside one workspace, held there by row-level security. */
  readonly inWorkspace: InWorkspace;
  /** Work of the engine's loops, across workspaces, on states and leases only. */
  readonly asEngine: <T>(work: (tx: EngineTx) => Promise<T>) => Promise<T>;
  /** Look-ups before anyone is known (API key, agent, enrolment token) and making workspaces. */
  readonly asOperator: <T>(work: (tx: OperatorTx) => Promise<T>) => Promise<T>;
  /** Opens a channel to the other processes on this database; PGlite has none. Close it before the database. */
  readonly openNews: (hear: HearNews) => NewsChannel;
  readonly ping: () => Promise<void>;
  readonly close: () => Promise<void>;
};

const defaultPoolSize = 10;

/**
 * Opens PostgreSQL, or the embedded PGlite when no URL is given.
 *
 * @throws DownbeatError `database_unreachable`; `data_directory_in_use`.
 */
export async function openDatabase(options: DatabaseOptions = {}): Promise<Database> {
  const connection = await openConnection(options);
  const database = databaseOn(connection, options);
  try {
    await database.ping();
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

/** The connection below Prisma, for what stands outside the runtime roles. */
export async function openConnection(options: DatabaseOptions): Promise<DatabaseConnection> {
  if (options.url === undefined) return openPglite(options.dataDir);
  return openPostgres(options.url, options.poolSize ?? defaultPoolSize);
}

function databaseOn(connection: DatabaseConnection, options: DatabaseOptions): Database {
  const where = placeOf(options);
  const prisma = new PrismaClient({
    adapter: adapterOnOpenTransactions(connection.adapter),
    transactionOptions: { timeout: LONGEST_TRANSACTION_MS },
    errorFormat: "minimal",
  });
  const reaching = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw translateDatabaseError(error, where);
    }
  };
  const transact: Transact = (beginning, work) =>
    reaching(async () => runInside(await beginning, prisma, work));
  return {
    kind: connection.kind,
    migrate: () =>
      reaching(async () => ({
        applied: await applyMigrations(connection, options.migrationsDir ?? defaultMigrationsDir),
      })),
    inWorkspace: inWorkspaceBy(transact, connection.begin),
    asEngine: (work) =>
      transact(connection.begin({ ...RUNTIME, role: "downbeat_engine" }), (lent) =>
        work({ role: "engine", ...lent }),
      ),
    asOperator: (work) =>
      transact(connection.begin({ ...RUNTIME, role: "downbeat_operator" }), (lent) =>
        work({ role: "operator", ...lent }),
      ),
    ping: () =>
      reaching(() =>
        connection.withSession(async (session) => void (await session.query("select 1"))),
      ),
    openNews: (hear) => (options.url === undefined ? NO_NEWS : openNewsChannel(options.url, hear)),
    close: closeOnce(async () => {
      await prisma.$disconnect();
      await connection.close();
    }),
  };
}

const LONGEST_TRANSACTION_MS = 120_000;

// The time zone is set because Prisma's adapters read every instant as if it were UTC. The rest is for plans that stay good:
// one made while a table was small must not scan it from end to end long after it has grown; a bitmap scan, unlike an
// index scan, does not clear away the index entries of the dead rows of a busy table; making a plan takes longer than
// running it; and a cache of lookups (memoize) costs more than the lookups where every key comes once
// (docs/performance.md has the figures).
const RUNTIME: TransactionSettings = {
  timezone: "UTC",
  enable_seqscan: "off",
  enable_bitmapscan: "off",
  enable_memoize: "off",
  plan_cache_mode: "force_generic_plan",
  statement_timeout: String(LONGEST_TRANSACTION_MS),
  idle_in_transaction_session_timeout: String(LONGEST_TRANSACTION_MS),
};

function settingsOf({ workspaceId, flush }: WorkspaceContext): TransactionSettings {
  return {
    ...RUNTIME,
    role: "downbeat_app",
    "app.workspace": workspaceId,
    ...(flush === "later" && { synchronous_commit: "off" }),
  };
}

type Lent = Pick<WorkspaceTx, "prisma" | "ends">;

type Work<T> = (lent: Lent, open: OpenTransaction) => Promise<T>;

type Transact = <T>(beginning: Promise<OpenTransaction>, work: Work<T>) => Promise<T>;

function inWorkspaceBy(transact: Transact, begin: DatabaseConnection["begin"]): InWorkspace {
  return (ctx, work) =>
    transact(begin(settingsOf(ctx)), (lent, { behind }) =>
      work({
        role: "workspace",
        workspaceId: ctx.workspaceId,
        behind: inWorkspaceBy(transact, once(behind)),
        ...lent,
      }),
    );
}

// Two at once would mix on the one connection.
function once(begin: DatabaseConnection["begin"]): DatabaseConnection["begin"] {
  let isBegun = false;
  return async (settings) => {
    if (isBegun) throw new Error("Another transaction stands behind this one already.");
    isBegun = true;
    return begin(settings);
  };
}

async function runInside<T>(
  open: OpenTransaction,
  prisma: PrismaClient,
  work: Work<T>,
): Promise<T> {
  const lent = lendPrisma(prisma, open);
  let result: T;
  try {
    result = await work({ prisma: lent.client, ends: lent.ends }, open);
    await lent.giveBack();
  } catch (error) {
    await lent.giveBack().catch(() => {}); // what broke the work is the better news
    await open.rollback();
    throw error;
  }
  await open.commit();
  return result;
}

function closeOnce(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => (closing ??= close());
}

// Never the whole URL: it holds a password.
function placeOf({ url, dataDir }: DatabaseOptions): string {
  if (url === undefined) return dataDir ?? "memory";
  return URL.canParse(url) ? new URL(url).host || "a local socket" : "DATABASE_URL (not a URL)";
}
