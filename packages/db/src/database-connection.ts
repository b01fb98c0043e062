import type {
  SqlMigrationAwareDriverAdapterFactory,
  SqlQueryable,
} from "@prisma/driver-adapter-utils";

/** One connection as the owner of the tables, outside Prisma: what migrations need. */
export type SqlSession = {
  /** Runs one statement or many. */
  readonly run: (script: string) => Promise<void>;
  readonly query: (text: string, values?: readonly unknown[]) => Promise<Record<string, unknown>[]>;
};

export type SqlStatement = { readonly text: string; readonly values: readonly unknown[] };

export type SqlResult = {
  readonly rows: readonly Record<string, unknown>[];
  /** Rows read or written. */
  readonly count: number;
};

/** A transaction under way on a connection of its own. Ends with exactly one of `commit` and `rollback`. */
export type OpenTransaction = {
  /**
   * Sends a statement by the driver itself. Instants come as Date, JSON parsed, bigint as BigInt. After the `last` one
   * nothing follows but `commit`, which need not go to the server again.
   */
  readonly query: (statement: SqlStatement, place?: { last: boolean }) => Promise<SqlResult>;
  /** The same connection as Prisma's query engine wants it. */
  readonly queryable: () => Promise<SqlQueryable>;
  /** @throws when the database did not commit. */
  readonly commit: () => Promise<void>;
  /** Never throws: a connection that cannot roll back is thrown away, and the server rolls back. */
  readonly rollback: () => Promise<void>;
  /**
   * Begins another transaction that runs as soon as this one, whose last statement has been sent, is over: on PostgreSQL
   * on the same connection, with no round trip in between, if it is not over yet.
   */
  readonly behind: (settings: TransactionSettings) => Promise<OpenTransaction>;
};

/** What PostgreSQL and PGlite have in common below Prisma. */
export type DatabaseConnection = {
  readonly kind: "postgres" | "pglite";
  readonly adapter: SqlMigrationAwareDriverAdapterFactory;
  /** Begins a transaction in which these settings hold until its end. */
  readonly begin: (settings: TransactionSettings) => Promise<OpenTransaction>;
  /** Lends one connection; nothing else uses it meanwhile. */
  readonly withSession: <T>(work: (session: SqlSession) => Promise<T>) => Promise<T>;
  readonly close: () => Promise<void>;
};

/** Names and values of PostgreSQL settings. */
export type TransactionSettings = Readonly<Record<string, string>>;

/** The statements that make settings hold until the transaction ends: cheaper than `set_config`. Values are quoted here. */
export function applySettings(settings: TransactionSettings): string {
  return Object.entries(settings)
    .map(([name, value]) => `set local ${name} = '${value.replaceAll("'", "''")}'`)
    .join("; ");
}
