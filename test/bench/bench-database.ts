import { startPostgres } from "@downbeat/testkit/postgres-server";
import { withClient } from "@downbeat/testkit/with-client";

/** Where a figure keeps its data. */
export type BenchDatabase = {
  readonly kind: "postgres" | "pglite";
  /** URL of a fresh, empty database; undefined for the embedded one. */
  fresh(): Promise<string | undefined>;
  stop(): Promise<void>;
};

export const EMBEDDED: BenchDatabase = {
  kind: "pglite",
  fresh: async () => undefined,
  stop: async () => {},
};

/** A PostgreSQL server of its own, with default durability. */
export async function startBenchPostgres(
  settings: Readonly<Record<string, string>> = {},
): Promise<BenchDatabase> {
  const server = await startPostgres({ settings });
  let made = 0;
  return {
    kind: "postgres",
    async fresh() {
      const name = `bench_${process.pid}_${++made}`;
      await withClient(server.url, (client) => client.query(`create database ${name}`));
      const url = new URL(server.url);
      url.pathname = `/${name}`;
      return url.href;
    },
    stop: () => server.stop(),
  };
}
