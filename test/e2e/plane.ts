import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createClient, type Client } from "@downbeat/client";
import { isTerminal, type RunDetail, type StateName } from "@downbeat/contract";
import { publicKeyOf, sealToPublicKey, type WorkspacePublicKey } from "@downbeat/seal";
import { readKeyset } from "@downbeat/seal/node";
import { reserveDatabase, waitFor, type DatabaseKind, type DatabasePlace } from "@downbeat/testkit";
import { newApiKeyText } from "./api-key-text.ts";
import { AGENT_MAIN, API_MAIN, CLI_MAIN } from "./mains.ts";
import { startProcess, type RunningProcess } from "./process.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** Short intervals, so that a test of lapsed leases takes seconds. */
const QUICK_INTERVALS = {
  DOWNBEAT_LEASE_SECONDS: "6",
  DOWNBEAT_HEARTBEAT_SECONDS: "1",
  DOWNBEAT_RECONNECT_WINDOW_SECONDS: "8",
  DOWNBEAT_SWEEP_SECONDS: "1",
};

export type CliResult = {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
};

/** Hosted plane, agent and command line as separate processes around one throw-away folder. */
export class Plane {
  readonly apiKey = newApiKeyText();
  readonly processes: RunningProcess[] = [];
  readonly #clients = new Map<string, Client>();
  apiUrl = "";
  port = "0";

  readonly folder: string;
  readonly #database: DatabasePlace;

  private constructor(folder: string, database: DatabasePlace) {
    this.folder = folder;
    this.#database = database;
  }

  /**
   * On a migrated database of its own. PostgreSQL unless it is the embedded database that matters: that one costs the
   * API three times the work.
   */
  static async create(kind: DatabaseKind = "postgres"): Promise<Plane> {
    const database = await reserveDatabase(kind);
    const folder = await mkdtemp(join(tmpdir(), "downbeat-e2e-"));
    await mkdir(join(folder, "project"));
    await cp(join(import.meta.dirname, "project/flows"), join(folder, "project/flows"), {
      recursive: true,
    });
    await symlink(join(ROOT, "test/node_modules"), join(folder, "project/node_modules"));
    return new Plane(folder, database);
  }

  /** Undefined for the embedded database. */
  get databaseUrl(): string | undefined {
    return this.#database.options.url;
  }

  get apiHome(): string {
    const { dataDir } = this.#database.options;
    return dataDir === undefined ? join(this.folder, "api-home") : dirname(dataDir);
  }

  get customerHome(): string {
    return join(this.folder, "customer-home");
  }

  get project(): string {
    return join(this.folder, "project");
  }

  async startApi(env: Record<string, string> = {}): Promise<RunningProcess> {
    await this.#closeClients();
    const api = this.#start([API_MAIN], {
      DOWNBEAT_HOME: this.apiHome,
      DOWNBEAT_PORT: this.port,
      DOWNBEAT_READY_LINE: "1",
      DOWNBEAT_LOG_LEVEL: "debug",
      DOWNBEAT_BOOTSTRAP_API_KEY: this.apiKey,
      ...QUICK_INTERVALS,
      ...(this.databaseUrl === undefined ? {} : { DATABASE_URL: this.databaseUrl }),
      ...env,
    });
    const ready = await api.waitForOutput(/\{"listening":"([^"]+)"/, 60_000);
    this.apiUrl = ready[1] ?? "";
    this.port = new URL(this.apiUrl).port;
    return api;
  }

  /** `downbeat login`, `key create`, `deploy`: what a customer does once. */
  async setUp(): Promise<void> {
    await this.logIn();
    await this.cliOk(["deploy"]);
  }

  /** `downbeat login`, `key create`. */
  async logIn(): Promise<void> {
    await this.cliOk(["login", this.apiUrl], { DOWNBEAT_API_KEY: this.apiKey });
    await this.cliOk(["key", "create"]);
  }

  /** Without a detour through `downbeat agent start`, unless it is the command that matters. */
  async startAgent(
    args: readonly string[] = [],
    env: Record<string, string> = {},
    { byCommand = false } = {},
  ): Promise<RunningProcess> {
    const program = byCommand ? [CLI_MAIN, "agent", "start"] : [AGENT_MAIN];
    const agent = this.#start([...program, "--project", this.project, ...args], {
      DOWNBEAT_HOME: this.customerHome,
      DOWNBEAT_READY_LINE: "1",
      DOWNBEAT_LOG_LEVEL: "debug",
      // Flows that never give way keep a core busy for as long.
      DOWNBEAT_CANCEL_GRACE_SECONDS: "1",
      E2E_FOLDER: this.folder,
      ...env,
    });
    await agent.waitForOutput(/\{"agent":"[^"]+","session":"[^"]+"/, 30_000);
    return agent;
  }

  /** Starts a script of the project, with the customer's profile. */
  script(file: string): RunningProcess {
    return this.#start([join(this.project, file)], { DOWNBEAT_HOME: this.customerHome });
  }

  startCli(
    args: readonly string[],
    env: Record<string, string> = {},
    input?: string,
  ): RunningProcess {
    return this.#start(
      [CLI_MAIN, ...args],
      { DOWNBEAT_HOME: this.customerHome, NO_COLOR: "1", ...env },
      input,
    );
  }

  async cli(
    args: readonly string[],
    env: Record<string, string> = {},
    input?: string,
  ): Promise<CliResult> {
    const running = this.startCli(args, env, input);
    const code = await running.exited;
    return { code, stdout: running.stdout(), stderr: running.stderr() };
  }

  async cliOk(args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> {
    const result = await this.cli(args, env);
    if (result.code !== 0)
      throw new Error(
        `downbeat ${args.join(" ")} → ${result.code}\n${result.stdout}\n${result.stderr}`,
      );
    return result;
  }

  async cliJson<T>(args: readonly string[], env: Record<string, string> = {}): Promise<T> {
    const { stdout } = await this.cliOk([...args, "--json"], env);
    return JSON.parse(stdout) as T;
  }

  /** The file of the workspace key, once there is a profile with one. */
  async keyFile(): Promise<string> {
    const profile = await readFile(join(this.customerHome, "profile.json"), "utf8");
    return join(this.customerHome, (JSON.parse(profile) as { keyFile: string }).keyFile);
  }

  /** Makes a run of a flow's default deployment as `downbeat run` does, but without a process for it; returns its id. */
  async trigger(flowName: string, parameters?: object): Promise<string> {
    const to = { kind: "parameters", dep: `${flowName}/default` } as const;
    const sealed = parameters && (await sealToPublicKey(await this.#publicKey(), to, parameters));
    const body = sealed === undefined ? { flowName } : { flowName, parameters: sealed };
    return (await this.client().call("createRun", { body })).id;
  }

  /** As `downbeat runs resume`. */
  async resume(runId: string, input: object): Promise<void> {
    const { pause } = await this.read(runId);
    const to = { kind: "input", run: runId, point: pause?.key ?? "" } as const;
    const sealed = await sealToPublicKey(await this.#publicKey(), to, input);
    await this.client().call("resumeRun", { params: { runId }, body: { input: sealed } });
  }

  async cancel(runId: string): Promise<void> {
    await this.client().call("cancelRun", { params: { runId } });
  }

  read(runId: string): Promise<RunDetail> {
    return this.client().call("readRun", { params: { runId } });
  }

  /** Waits until the run's state has this name. */
  async reaches(runId: string, name: StateName): Promise<void> {
    await this.#runOnce(runId, ({ state }) => state.name === name, `the run to be ${name}`);
  }

  /** Waits until the run has ended, and says how. */
  ended(runId: string): Promise<RunDetail> {
    return this.#runOnce(runId, ({ state }) => isTerminal(state.type), "the run to end");
  }

  /** A client with the bootstrap key; the same one until the API is started again. */
  client(): Client {
    const { apiUrl, apiKey } = this;
    const client = this.#clients.get(apiUrl) ?? createClient({ apiUrl, apiKey });
    this.#clients.set(apiUrl, client);
    return client;
  }

  async dispose(): Promise<void> {
    await this.#closeClients();
    for (const running of this.processes.toReversed()) await running.end();
    await rm(this.folder, { recursive: true, force: true });
    await this.#database.drop();
  }

  #runOnce(runId: string, isSo: (run: RunDetail) => boolean, describe: string): Promise<RunDetail> {
    const ask = async (): Promise<RunDetail | undefined> => {
      const run = await this.read(runId);
      return isSo(run) ? run : undefined;
    };
    return waitFor(ask, { deadlineMs: 60_000, intervalMs: 50, describe });
  }

  async #closeClients(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.all(clients.map((client) => client.close()));
  }

  async #publicKey(): Promise<WorkspacePublicKey> {
    return publicKeyOf(await readKeyset(await this.keyFile()));
  }

  #start(command: readonly string[], env: Record<string, string>, input?: string): RunningProcess {
    const options =
      input === undefined ? { cwd: this.project, env } : { cwd: this.project, env, input };
    const running = startProcess(process.execPath, command, options);
    this.processes.push(running);
    return running;
  }
}
