import path from "node:path";
import { openDatabase, type Database } from "@downbeat/db";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { buildApp } from "./app.ts";
import { loadSigningKeys } from "./auth/signing-keys.ts";
import { ensureBootstrapWorkspace } from "./bootstrap.ts";
import type { ApiConfig } from "./config.ts";
import { listen } from "./listen.ts";

/** A running API; `close` answers held polls, finishes open requests and closes the database. */
export type RunningApi = { readonly url: string; readonly close: () => Promise<void> };

/**
 * Opens and migrates the database, makes the bootstrap workspace, and listens.
 *
 * @throws {DownbeatError} database_unreachable, data_directory_in_use, port_taken, configuration_invalid
 */
export async function serve(config: ApiConfig, logger: Logger): Promise<RunningApi> {
  const database = await openConfiguredDatabase(config);
  let app: FastifyInstance | undefined;
  const close = async (): Promise<void> => {
    await app?.close();
    await database.close();
  };
  try {
    const { applied } = await database.migrate();
    if (applied.length > 0) logger.info({ applied }, "migrations applied");
    await ensureBootstrapWorkspace(database, config.bootstrapApiKey);
    const signingKeys = await loadSigningKeys({
      jwkSet: config.signingKeys,
      file: signingKeyFile(config),
    });
    app = await buildApp({ config, database, signingKeys, logger });
    const url = await listen(app, config);
    return { url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens the database the configuration names: PostgreSQL, or the embedded one under `DOWNBEAT_HOME/data`. */
export function openConfiguredDatabase(config: ApiConfig): Promise<Database> {
  const { databaseUrl: url, databasePoolSize: poolSize, home } = config;
  return openDatabase(url === undefined ? { dataDir: path.join(home, "data") } : { url, poolSize });
}

function signingKeyFile(config: ApiConfig): string {
  return path.join(config.home, "api", "signing-key.json");
}
