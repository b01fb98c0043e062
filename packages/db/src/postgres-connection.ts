import { PrismaPg } from "@prisma/adapter-pg";
import type { SqlQueryable } from "@prisma/driver-adapter-utils";
import pg from "pg";
import {
  applySettings,
  type DatabaseConnection,
  type OpenTransaction,
  type SqlSession,
  type TransactionSettings,
} from "./database-connection.ts";

const connectTimeoutMs = 5_000;

/** Opens a pool on a PostgreSQL server. Connects lazily: `ping` tells whether it is there. */
export function openPostgres(url: string, poolSize: number): DatabaseConnection {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    application_name: "downbeat",
    // BEGIN travels together with the first statement.
    pipeline: true,
    types,
  });
  // A connection may break at any time; the pool replaces it, and the next statement reports what is wrong.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return {
    kind: "postgres",
    adapter: new PrismaPg(pool),
    begin: async (settings) => begin(await openLine(pool), settings),
    withSession: (work) => withSession(pool, work),
    close: () => pool.end(),
  };
}

/** Transactions that follow each other on one connection, which goes back to the pool after the last of them. */
type Line = {
  readonly client: pg.PoolClient;
  readonly enter: () => void;
  /** @param failure what makes the connection unfit for others */
  readonly leave: (failure?: unknown) => void;
  /** Everybody has left: the connection is anybody's by now. */
  readonly isOver: () => boolean;
  readonly pool: pg.Pool;
};

async function openLine(pool: pg.Pool): Promise<Line> {
  const client = await pool.connect();
  let under = 0;
  let unfit: Error | undefined;
  return {
    client,
    pool,
    isOver: () => under === 0,
    enter: () => void (under += 1),
    leave: (failure) => {
      under -= 1;
      // The connection may be inside a failed transaction or gone: it is then thrown away rather than reused.
      if (failure !== undefined) unfit ??= asError(failure);
      if (under === 0) client.release(unfit);
    },
  };
}

function begin(line: Line, settings: TransactionSettings): OpenTransaction {
  const { client } = line;
  line.enter();
  writeTogether(client);
  // Not awaited, but everything that follows fails if this does. Every statement must see what was committed before it got its
  // locks, whatever the server's default is: live_run is written anew by what it reads under one (compact-live-run.ts).
  const begun = client.query(`begin isolation level read committed; ${applySettings(settings)}`);
  begun.catch(() => {});
  let committing: Promise<pg.QueryResult> | undefined;
  const end = async (command: "COMMIT" | "ROLLBACK"): Promise<void> => {
    const [, ended] = await Promise.all([begun, committing ?? client.query(command)]);
    // A transaction that failed before answers COMMIT with ROLLBACK.
    if (ended.command !== command)
      throw new Error("The transaction had failed and was rolled back.");
  };
  return {
    query: async ({ text, values }, { last } = { last: false }) => {
      if (last) writeTogether(client);
      const sent = sendNamed(client, text, values);
      if (last) {
        committing = client.query("COMMIT");
        committing.catch(() => {}); // whoever ends the transaction is told
      }
      const [, { rows, rowCount }] = await Promise.all([begun, sent]);
      return { rows, count: rowCount ?? 0 };
    },
    queryable: () => queryableOn(client),
    commit: async () => {
      try {
        await end("COMMIT");
      } catch (error) {
        line.leave(error);
        throw error;
      }
      line.leave();
    },
    // COMMIT, once sent, ends a transaction that has failed like ROLLBACK does, and others may stand behind it.
    rollback: () =>
      (committing ?? end("ROLLBACK")).then(
        () => line.leave(),
        (error: unknown) => line.leave(error),
      ),
    // Nothing may be awaited between the look whether the line is over and entering it.
    behind: async (behind) => {
      if (line.isOver()) return begin(await openLine(line.pool), behind);
      if (committing === undefined) throw new Error("The transaction has not come to its end.");
      return begin(line, behind);
    },
  };
}

// What is sent until the event loop turns goes out in one write: BEGIN, the first statement, and COMMIT with the last one.
function writeTogether({ connection: { stream } }: pg.PoolClient): void {
  stream.cork();
  process.nextTick(() => stream.uncork());
}

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: "text" | "binary") =>
    oid === pg.types.builtins.INT8
      ? BigInt
      : pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig["getTypeParser"],
};

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

// The driver copies what it is given as a plain object property by property, in some 60 µs; a query of its own it takes as it is.
function sendNamed(
  client: pg.PoolClient,
  text: string,
  values: readonly unknown[],
): Promise<pg.QueryResult> {
  return new Promise((resolve, reject) => {
    const query = new pg.Query(text, [...values], (error, result) =>
      error ? reject(error) : resolve(result),
    );
    client.query(Object.assign(query, { name: statementName(text) }));
  });
}

const names = new Map<string, string>();

// Statements marked so have static text and run all the time: the server keeps their plans, which take longer to make
// than to run. Others are planned for their arguments each time.
function statementName(sql: string): string {
  if (!sql.startsWith("/* prepared */")) return ""; // to the protocol, no name
  const known = names.get(sql);
  if (known !== undefined) return known;
  const name = `downbeat_${names.size}`;
  names.set(sql, name);
  return name;
}

// Prisma's adapter takes a pool and asks it for nothing but `query`; here it gets one whose only connection is this one.
function queryableOn(client: pg.PoolClient): Promise<SqlQueryable> {
  const pool: pg.Pool = Object.assign(Object.create(pg.Pool.prototype), {
    options: {},
    query: client.query.bind(client),
    on: () => pool,
  });
  return new PrismaPg(pool).connect();
}

async function withSession<T>(
  pool: pg.Pool,
  work: (session: SqlSession) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    return await work({
      run: async (script) => void (await client.query(script)),
      query: async (text, values = []) => (await client.query(text, [...values])).rows,
    });
  } catch (error) {
    failure = asError(error);
    throw error;
  } finally {
    client.release(failure);
  }
}
