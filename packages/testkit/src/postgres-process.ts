import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { freePort } from "./free-port.ts";
import type { RunAs } from "./unprivileged-user.ts";

const run = promisify(execFile);
const START_DEADLINE_MS = 30_000;
const FIRST_START_ATTEMPTS = 3;
const END_DEADLINE_MS = 15_000;
const LOG_TAIL_CHARACTERS = 2_000;

/** Everything that is settled before the server's first start. */
export type ServerPlace = {
  readonly binDir: string;
  readonly directory: string;
  readonly runAs: RunAs;
  readonly password: string;
  readonly port: number;
  readonly settings: Readonly<Record<string, string>>;
};

/** Makes the data directory: UTF-8, C collation, one superuser `postgres` with a password, no trust for local users. */
export async function initialise(place: ServerPlace): Promise<void> {
  const passwordFile = path.join(place.directory, "password");
  await writeFile(passwordFile, place.password, { mode: 0o644 });
  const options = ["--username=postgres", "--auth=scram-sha-256", `--pwfile=${passwordFile}`];
  // An empty directory is nothing that a power cut may not take.
  const layout = [`--pgdata=${dataDir(place)}`, "--encoding=UTF8", "--no-locale", "--no-sync"];
  await run(path.join(place.binDir, "initdb"), [...options, ...layout], {
    ...place.runAs,
    cwd: place.directory,
  });
  await rm(passwordFile);
}

/** One server process over one data directory; it can be ended and started again. */
export class PostgresProcess {
  readonly #place: ServerPlace;
  #port: number;
  #child: ChildProcess | undefined;
  #everReady = false;

  constructor(place: ServerPlace) {
    this.#place = place;
    this.#port = place.port;
  }

  /** Superuser URL; settled once the first start succeeded. */
  get url(): string {
    return `postgres://postgres:${this.#place.password}@127.0.0.1:${this.#port}/postgres`;
  }

  /**
   * Starts and waits until it answers. An attempt that ends early is repeated: after a hard kill, old server processes
   * hold the shared memory for a moment, and before the first success the port may have been taken by someone else.
   */
  async start(): Promise<void> {
    const givenUpAt = performance.now() + START_DEADLINE_MS;
    for (let attempt = 1; ; attempt += 1) {
      const child = await this.#spawn();
      if (await this.#becomesReady(child, givenUpAt)) return;
      const hopeless = !this.#everReady && attempt === FIRST_START_ATTEMPTS;
      if (hopeless || performance.now() >= givenUpAt) throw await this.#neverReady();
      if (!this.#everReady) this.#port = await freePort();
      await pause(100);
    }
  }

  /** Signals the server and waits until it is gone; a server that is already gone is fine. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || hasEnded(child)) return;
    const ended = once(child, "exit");
    child.kill(signal);
    const tooLong = setTimeout(() => child.kill("SIGKILL"), END_DEADLINE_MS);
    await ended;
    clearTimeout(tooLong);
  }

  async #spawn(): Promise<ChildProcess> {
    const { binDir, directory, runAs, settings } = this.#place;
    const log = await open(path.join(directory, "server.log"), "a");
    const flags = Object.entries({
      listen_addresses: "127.0.0.1",
      port: String(this.#port),
      unix_socket_directories: "",
      max_connections: "200",
      ...settings,
    }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const child = spawn(path.join(binDir, "postgres"), ["-D", dataDir(this.#place), ...flags], {
      ...runAs,
      cwd: directory,
      env: { LC_ALL: "C", TZ: "UTC" },
      stdio: ["ignore", log.fd, log.fd],
      // Not in our process group: Ctrl-C in a terminal stops the tests first, and then the server.
      detached: true,
    });
    await once(child, "spawn");
    await log.close();
    child.unref();
    this.#child = child;
    return child;
  }

  async #becomesReady(child: ChildProcess, givenUpAt: number): Promise<boolean> {
    while (!hasEnded(child) && performance.now() < givenUpAt) {
      if (await answers(this.url)) {
        this.#everReady = true;
        return true;
      }
      await pause(50);
    }
    return false;
  }

  async #neverReady(): Promise<Error> {
    await this.end("SIGKILL");
    const log = await readFile(path.join(this.#place.directory, "server.log"), "utf8");
    return new Error(
      `PostgreSQL did not come up on port ${this.#port}. ` +
        `The end of its log:\n${log.slice(-LOG_TAIL_CHARACTERS)}`,
    );
  }
}

function dataDir(place: ServerPlace): string {
  return path.join(place.directory, "data");
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

// A stranger on our port refuses the random password, so an answer is an answer from our own server.
async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  // A connection lost between connect and end is reported here, and an unheard "error" event would end the process.
  client.on("error", () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
