import type { SqlMigrationAwareDriverAdapterFactory } from "@prisma/driver-adapter-utils";

/** One connection as the owner of the tables, outside Prisma: what migrations need. */
export type SqlSession = {
  /** Runs one statement or many. */
  readonly run: (script: string) => Promise<void>;
  readonly query: (text: string, values?: readonly unknown[]) => Promise<Record<string, unknown>[]>;
};

/** What PostgreSQL and PGlite have in common below Prisma. */
export type DatabaseConnection = {
  readonly kind: "postgres" | "pglite";
  readonly adapter: SqlMigrationAwareDriverAdapterFactory;
  /** Lends one connection; nothing else uses it meanwhile. */
  readonly withSession: <T>(work: (session: SqlSession) => Promise<T>) => Promise<T>;
  readonly close: () => Promise<void>;
};
