import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createClient, type Client } from "@downbeat/client";
import { newApiKeyText } from "../e2e/api-key-text.ts";
import { API_MAIN, CLI_MAIN } from "../e2e/mains.ts";
import { startProcess, type RunningProcess } from "../e2e/process.ts";

const ROOT = resolve(import.meta.dirname, "../../..");

/** API and agent as separate processes, with production intervals. */
export class BenchPlane {
  readonly apiKey = newApiKeyText();
  apiUrl = "";
  apiPid = 0;
  readonly #processes: RunningProcess[] = [];
  readonly #clients: Client[] = [];
  readonly #databaseUrl: string | undefined;
  readonly folder: string;

  private constructor(folder: string, databaseUrl: string | undefined) {
    this.folder = folder;
    this.#databaseUrl = databaseUrl;
  }

  static async start(databaseUrl: string | undefined): Promise<BenchPlane> {
    const folder = await mkdtemp(join(tmpdir(), "downbeat-bench-"));
    await mkdir(join(folder, "project"));
    await cp(join(ROOT, "test/bench/project/flows"), join(folder, "project/flows"), {
      recursive: true,
    });
    await symlink(join(ROOT, "test/node_modules"), join(folder, "project/node_modules"));
    const plane = new BenchPlane(folder, databaseUrl);
    const { apiUrl, pid } = await plane.#startApi();
    plane.apiUrl = apiUrl;
    plane.apiPid = pid;
    return plane;
  }

  /** One more process on the same database. Returns where it listens. */
  async startAnotherApi(): Promise<string> {
    return (await this.#startApi()).apiUrl;
  }

  /** @param apiUrl Default: that of the first API. */
  client(apiUrl: string = this.apiUrl): Client {
    const client = createClient({ apiUrl, apiKey: this.apiKey });
    this.#clients.push(client);
    return client;
  }

  /** Where the command line keeps keys. */
  get keyFolder(): string {
    return join(this.folder, "home/keys");
  }

  /** Registers key and flows and starts an agent with warm workers; `isSigned`: one that runs nothing else. */
  async startAgent(
    concurrency: number,
    { env = {}, isSigned = false }: { env?: Record<string, string>; isSigned?: boolean } = {},
  ): Promise<void> {
    await this.#cli(["login", this.apiUrl], { DOWNBEAT_API_KEY: this.apiKey });
    await this.#cli(["key", "create"]);
    if (isSigned) await this.#cli(["key", "create", "--signing"]);
    await this.#cli(["deploy"]);
    const required = {
      DOWNBEAT_REQUIRE_SIGNED: "block",
      DOWNBEAT_SIGNERS_FILE: join(this.keyFolder, "signing.jwks.json"),
    };
    const args = ["agent", "start", "--concurrency", String(concurrency)];
    const agent = this.#start(CLI_MAIN, args, {
      DOWNBEAT_READY_LINE: "1",
      BENCH_FOLDER: this.folder,
      ...(isSigned && required),
      ...env,
    });
    await agent.waitForOutput(/\{"agent":/, 30_000);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    for (const running of this.#processes.toReversed()) await running.end();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #startApi(): Promise<{ apiUrl: string; pid: number }> {
    const api = this.#start(API_MAIN, [], {
      DOWNBEAT_PORT: "0",
      DOWNBEAT_READY_LINE: "1",
      DOWNBEAT_BOOTSTRAP_API_KEY: this.apiKey,
      ...(this.#databaseUrl === undefined ? {} : { DATABASE_URL: this.#databaseUrl }),
    });
    const ready = await api.waitForOutput(/\{"listening":"([^"]+)"/, 60_000);
    return { apiUrl: ready[1] ?? "", pid: api.pid };
  }

  async #cli(args: readonly string[], env: Record<string, string> = {}): Promise<void> {
    const running = this.#start(CLI_MAIN, args, env);
    const code = await running.exited;
    if (code !== 0) throw new Error(`downbeat ${args.join(" ")} → ${code}\n${running.stderr()}`);
  }

  #start(main: string, args: readonly string[], env: Record<string, string>): RunningProcess {
    const running = startProcess(process.execPath, [main, ...args], {
      cwd: join(this.folder, "project"),
      env: { DOWNBEAT_HOME: join(this.folder, "home"), DOWNBEAT_LOG_LEVEL: "warn", ...env },
    });
    this.#processes.push(running);
    return running;
  }
}
