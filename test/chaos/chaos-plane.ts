import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type Client } from "@downbeat/client";
import { newApiKeyText } from "../e2e/api-key-text.ts";
import { startProcess, type RunningProcess } from "../e2e/process.ts";
import { readExecutions, type Execution } from "./executions.ts";
import { AGENT_MAIN, API_MAIN, CHAOS_FLOWS, CLI_MAIN, TEST_MODULES } from "./places.ts";

/** The API's intervals, in seconds. */
export type Intervals = {
  readonly leaseSeconds: number;
  readonly heartbeatSeconds: number;
  readonly reconnectWindowSeconds: number;
  readonly sweepSeconds: number;
};

export const DEFAULT_INTERVALS: Intervals = {
  leaseSeconds: 45,
  heartbeatSeconds: 15,
  reconnectWindowSeconds: 300,
  sweepSeconds: 5,
};

export type ApiOptions = { readonly port?: string; readonly host?: string };

export type StartedApi = {
  readonly url: string;
  readonly port: string;
  readonly process: RunningProcess;
};

export type AgentOptions = {
  readonly name: string;
  readonly apiUrl: string;
  readonly concurrency?: number;
  /** What the agent's command line is put behind, for instance `ip netns exec …`. */
  readonly behind?: readonly string[];
  /** Longest run of the flow `work`. Default 50 ms. */
  readonly longestMs?: number;
};

const LAST_WORDS = 1_000;

/** Hosted plane, agents and callers as separate processes around one throw-away folder and one database. */
export class ChaosPlane {
  readonly apiKey = newApiKeyText();
  readonly folder: string;
  readonly databaseUrl: string;
  readonly intervals: Intervals;
  readonly #processes: RunningProcess[] = [];
  readonly #clients: Client[] = [];

  private constructor(folder: string, databaseUrl: string, intervals: Intervals) {
    this.folder = folder;
    this.databaseUrl = databaseUrl;
    this.intervals = intervals;
  }

  static async create(databaseUrl: string, intervals: Intervals): Promise<ChaosPlane> {
    const folder = await mkdtemp(join(tmpdir(), "downbeat-chaos-"));
    await mkdir(join(folder, "project"));
    await cp(CHAOS_FLOWS, join(folder, "project/flows"), { recursive: true });
    await symlink(TEST_MODULES, join(folder, "project/node_modules"));
    return new ChaosPlane(folder, databaseUrl, intervals);
  }

  /** Starts an API process; several may share the database. */
  async startApi({ port = "0", host = "127.0.0.1" }: ApiOptions = {}): Promise<StartedApi> {
    const { leaseSeconds, heartbeatSeconds, reconnectWindowSeconds, sweepSeconds } = this.intervals;
    const api = this.#start([process.execPath, API_MAIN], {
      DOWNBEAT_HOME: join(this.folder, "api-home"),
      DOWNBEAT_PORT: port,
      DOWNBEAT_HOST: host,
      DOWNBEAT_READY_LINE: "1",
      DOWNBEAT_BOOTSTRAP_API_KEY: this.apiKey,
      DATABASE_URL: this.databaseUrl,
      DOWNBEAT_LEASE_SECONDS: String(leaseSeconds),
      DOWNBEAT_HEARTBEAT_SECONDS: String(heartbeatSeconds),
      DOWNBEAT_RECONNECT_WINDOW_SECONDS: String(reconnectWindowSeconds),
      DOWNBEAT_SWEEP_SECONDS: String(sweepSeconds),
    });
    const [, url = ""] = await api.waitForOutput(/\{"listening":"([^"]+)"/, 60_000);
    return { url, port: new URL(url).port, process: api };
  }

  /** What a customer does once: `downbeat login`, `key create`, `deploy`. */
  async setUp(apiUrl: string, deployArgs: readonly string[] = []): Promise<void> {
    await this.#cli(["login", apiUrl], { DOWNBEAT_API_KEY: this.apiKey });
    await this.#cli(["key", "create", "--out", this.#keyFile]);
    await this.#cli(["deploy", ...deployArgs]);
  }

  /** Starts an agent; does not wait for it. Started again under its name it finds what its predecessor left. */
  startAgent(options: AgentOptions): RunningProcess {
    const { name, apiUrl, concurrency = 4, behind = [], longestMs = 50 } = options;
    const args = ["--name", name, "--concurrency", String(concurrency)];
    return this.#start([...behind, process.execPath, AGENT_MAIN, ...args], {
      DOWNBEAT_HOME: join(this.folder, "customer-home"),
      DOWNBEAT_PROJECT: join(this.folder, "project"),
      DOWNBEAT_READY_LINE: "1",
      DOWNBEAT_API_URL: apiUrl,
      // Agents reach the API by ways that the profile does not name.
      DOWNBEAT_API_KEY: this.apiKey,
      DOWNBEAT_KEY_FILE: this.#keyFile,
      CHAOS_FOLDER: this.folder,
      CHAOS_LONGEST_MS: String(longestMs),
    });
  }

  client(apiUrl: string): Client {
    const client = createClient({ apiUrl, apiKey: this.apiKey });
    this.#clients.push(client);
    return client;
  }

  /** Lets the flows that wait at this gate go on. */
  async open(gate: "early" | "late"): Promise<void> {
    await writeFile(join(this.folder, `${gate}.open`), "");
  }

  /** What user code itself wrote down about being executed. */
  executions(): Promise<Execution[]> {
    return readExecutions(join(this.folder, "executions.jsonl"));
  }

  /** The last words of every process, for whoever has to find out what went wrong. */
  lastWords(): string {
    return this.#processes.map(wordsOf).join("\n");
  }

  /** Requests that a process failed for no cause it knows: the caller was told nothing but `internal`. */
  faults(): string[] {
    const lines = this.#processes.flatMap((running) => running.stderr().split("\n"));
    return lines.filter((line) => line.includes(FAULT));
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    for (const running of this.#processes.toReversed()) await running.end();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }

  get #keyFile(): string {
    return join(this.folder, "customer-home/workspace-key.json");
  }

  async #cli(args: readonly string[], env: Record<string, string> = {}): Promise<void> {
    const running = this.#start([process.execPath, CLI_MAIN, ...args], {
      DOWNBEAT_HOME: join(this.folder, "customer-home"),
      ...env,
    });
    const code = await running.exited;
    if (code !== 0) throw new Error(`downbeat ${args.join(" ")} → ${code}\n${running.stderr()}`);
  }

  #start(command: readonly string[], env: Record<string, string>): RunningProcess {
    const [program = "", ...args] = command;
    const running = startProcess(program, args, {
      cwd: join(this.folder, "project"),
      env: { DOWNBEAT_LOG_LEVEL: "warn", ...env },
    });
    this.#processes.push(running);
    return running;
  }
}

/** Waits for the process itself; what it started may still hold its output open. */
export async function untilGone({ child }: RunningProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

// As apps/api/src/plugins/errors.ts says it; refusals are told otherwise.
const FAULT = '"msg":"a request failed"';

export const AGENT_READY = /\{"agent":"[^"]+","session":"[^"]+"/;

function wordsOf(running: RunningProcess): string {
  const { spawnargs, exitCode, signalCode } = running.child;
  const ended = exitCode ?? signalCode ?? "runs";
  return `${spawnargs.slice(1, 4).join(" ")} (${ended}) ${running.stderr().slice(-LAST_WORDS)}`;
}
