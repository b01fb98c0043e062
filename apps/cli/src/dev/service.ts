import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { LastLines } from "./last-lines.ts";

export type ServiceSpec = {
  /** "API" or "agent", as messages name it. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Directory for `<name>.log`. */
  readonly logDirectory: string;
};

/** How a service ended: its exit code or signal, and the last lines it wrote to stderr. */
export type ServiceEnd = { readonly how: string; readonly lastLines: string };

const PRELOADS = preloads();

/**
 * One child process of the supervisor: started in a process group of its own, so that Ctrl-C reaches the supervisor
 * alone and it can stop the parts in order. Its stderr goes to a log file.
 */
export class Service {
  readonly ended: Promise<ServiceEnd>;
  readonly #child: ChildProcess;
  readonly #lastLines = new LastLines();
  readonly #readyLine: Promise<Record<string, string>>;

  constructor(spec: ServiceSpec) {
    this.#child = spawn(process.execPath, [...PRELOADS, spec.program, ...spec.args], {
      cwd: spec.cwd,
      env: { ...spec.env, DOWNBEAT_READY_LINE: "1" },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    this.#keepLog(openLog(spec));
    this.#readyLine = this.#readLine();
    this.#readyLine.catch(() => undefined); // reported by whoever waits for it
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve({ how: error.message, lastLines: "" }));
      this.#child.once("close", (code, signal) =>
        resolve({ how: signal ?? `exit code ${code}`, lastLines: this.#lastLines.text }),
      );
    });
  }

  /** The JSON of the first line on stdout, or how the service ended without one. */
  async ready(deadlineMs: number): Promise<{ line: Record<string, string> } | { end: ServiceEnd }> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<{ end: ServiceEnd }>((resolve) => {
      const how = `no sign of life within ${deadlineMs / 1000} s`;
      timer = setTimeout(
        () => resolve({ end: { how, lastLines: this.#lastLines.text } }),
        deadlineMs,
      );
    });
    const line = this.#readyLine.then(
      (value) => ({ line: value }),
      () => this.ended.then((end) => ({ end })),
    );
    return Promise.race([line, late]).finally(() => clearTimeout(timer));
  }

  /** Asks it to stop and waits until it has. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.#child.kill(signal);
    await this.ended;
  }

  /** Ends it and what it started in its group, at once. */
  kill(): void {
    if (
      this.#child.pid === undefined ||
      this.#child.exitCode !== null ||
      this.#child.signalCode !== null
    )
      return;
    process.kill(-this.#child.pid, "SIGKILL");
  }

  #keepLog(log: WriteStream): void {
    this.#child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      this.#lastLines.push(chunk);
      log.write(chunk);
    });
    this.#child.once("close", () => log.end());
  }

  async #readLine(): Promise<Record<string, string>> {
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("no stdout");
    const lines = createInterface({ input: stdout });
    const first = once(lines, "line") as Promise<[string]>;
    const closed = once(lines, "close").then(() => {
      throw new Error("closed before its first line");
    });
    const [line] = await Promise.race([first, closed]);
    lines.on("line", () => undefined); // keep reading, or a full pipe would block the service
    return JSON.parse(line) as Record<string, string>;
  }
}

/** From source the preloaded module is TypeScript and needs a loader before it. */
function preloads(): string[] {
  const fromSource = import.meta.url.endsWith(".ts");
  const preload = new URL(`stop-with-parent.${fromSource ? "ts" : "js"}`, import.meta.url).href;
  return [...(fromSource ? ["--import", import.meta.resolve("tsx")] : []), "--import", preload];
}

function openLog({ logDirectory, name }: ServiceSpec): WriteStream {
  mkdirSync(logDirectory, { recursive: true, mode: 0o700 });
  return createWriteStream(join(logDirectory, `${name.toLowerCase()}.log`), {
    flags: "a",
    mode: 0o600,
  });
}
