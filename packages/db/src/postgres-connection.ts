import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import type { DatabaseConnection } from "./database-connection.ts";

const connectTimeoutMs = 5_000;

/** Opens a pool on a PostgreSQL server. Connects lazily: `ping` tells whether it is there. */
export function openPostgres(url: string, poolSize: number): DatabaseConnection {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    application_name: "downbeat",
  });
  // An idle connection may break at any time; the pool replaces it, and the next statement reports what is wrong.
  pool.on("error", () => {});
  return {
    kind: "postgres",
    adapter: new PrismaPg(pool, { statementNameGenerator: statementName }),
    withSession: async (work) => {
      const client = await pool.connect();
      let failure: Error | undefined;
      try {
        return await work({
          run: async (script) => void (await client.query(script)),
          query: async (text, values = []) => (await client.query(text, [...values])).rows,
        });
      } catch (error) {
        // The connection may be inside a failed transaction or gone: it is thrown away rather than reused.
        failure = error instanceof Error ? error : new Error(String(error));
        throw error;
      } finally {
        client.release(failure);
      }
    },
    close: () => pool.end(),
  };
}

const names = new Map<string, string>();

// Statements marked so have static text and run all the time: the server keeps their plans, which take longer to make
// than to run. Others are planned for their arguments each time.
function statementName({ sql }: { sql: string }): string {
  if (!sql.startsWith("/* prepared */")) return ""; // to the protocol, no name
  const name = names.get(sql) ?? `downbeat_${names.size}`;
  names.set(sql, name);
  return name;
}
