import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createClient, type Client } from "@downbeat/client";
import { newApiKeyText } from "./api-key-text.ts";
import { API_MAIN, CLI_MAIN } from "./mains.ts";
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
  readonly #clients: Client[] = [];
  apiUrl = "";
  port = "0";

  readonly folder: string;
  readonly databaseUrl: string | undefined;

  private constructor(folder: string, databaseUrl: string | undefined) {
    this.folder = folder;
    this.databaseUrl = databaseUrl;
  }

  /** @param databaseUrl PostgreSQL; undefined for the embedded database */
  static async create(databaseUrl: string | undefined): Promise<Plane> {
    const folder = await mkdtemp(join(tmpdir(), "downbeat-e2e-"));
    await mkdir(join(folder, "project"));
    await cp(join(import.meta.dirname, "project/flows"), join(folder, "project/flows"), {
      recursive: true,
    });
    await symlink(join(ROOT, "test/node_modules"), join(folder, "project/node_modules"));
    return new Plane(folder, databaseUrl);
  }

  get apiHome(): string {
    return join(this.folder, "api-home");
  }

  get customerHome(): string {
    return join(this.folder, "customer-home");
  }

  get project(): string {
    return join(this.folder, "project");
  }

  async startApi(env: Record<string, string> = {}): Promise<RunningProcess> {
    const api = this.#start(API_MAIN, [], {
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
    await this.cliOk(["login", this.apiUrl], { DOWNBEAT_API_KEY: this.apiKey });
    await this.cliOk(["key", "create"]);
    await this.cliOk(["deploy"]);
  }

  async startAgent(
    args: readonly string[] = [],
    env: Record<string, string> = {},
  ): Promise<RunningProcess> {
    const agent = this.#start(CLI_MAIN, ["agent", "start", "--project", this.project, ...args], {
      DOWNBEAT_HOME: this.customerHome,
      DOWNBEAT_READY_LINE: "1",
      DOWNBEAT_LOG_LEVEL: "debug",
      E2E_FOLDER: this.folder,
      ...env,
    });
    await agent.waitForOutput(/\{"agent":"[^"]+","session":"[^"]+"/, 30_000);
    return agent;
  }

  startCli(
    args: readonly string[],
    env: Record<string, string> = {},
    input?: string,
  ): RunningProcess {
    return this.#start(
      CLI_MAIN,
      args,
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

  client(apiKey = this.apiKey): Client {
    const client = createClient({ apiUrl: this.apiUrl, apiKey });
    this.#clients.push(client);
    return client;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    for (const running of this.processes.toReversed()) await running.end();
    await rm(this.folder, { recursive: true, force: true });
  }

  #start(
    main: string,
    args: readonly string[],
    env: Record<string, string>,
    input?: string,
  ): RunningProcess {
    const options =
      input === undefined ? { cwd: this.project, env } : { cwd: this.project, env, input };
    const running = startProcess(process.execPath, [main, ...args], options);
    this.processes.push(running);
    return running;
  }
}
