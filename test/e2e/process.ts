import { spawn, type ChildProcess } from "node:child_process";
import { waitFor } from "@downbeat/testkit/wait-for";
import { killTree } from "./process-tree.ts";

/** A child process whose output is kept and can be waited on. */
export type RunningProcess = {
  readonly child: ChildProcess;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Resolves with the exit code, or the signal's name. */
  exited: Promise<number | string>;
  kill(signal: NodeJS.Signals): Promise<number | string>;
  /** Kills it and everything below it, at once. */
  end(): Promise<void>;
  /** Waits until stdout or stderr holds a match, and returns it. */
  waitForOutput(pattern: RegExp, deadlineMs?: number): Promise<RegExpMatchArray>;
};

export type StartOptions = {
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly input?: string;
};

export function startProcess(
  command: string,
  args: readonly string[],
  options: StartOptions,
): RunningProcess {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...baseEnvironment(), ...options.env },
    stdio: "pipe",
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(options.input ?? "");
  let ended = false;
  const exited = new Promise<number | string>((resolve) => {
    child.once("close", (code, signal) => {
      ended = true;
      resolve(code ?? signal ?? "unknown");
    });
  });
  return {
    child,
    pid: child.pid ?? -1,
    stdout: () => out,
    stderr: () => err,
    exited,
    async kill(signal) {
      if (!ended) child.kill(signal);
      return exited;
    },
    async end() {
      if (ended || child.pid === undefined) return;
      await killTree(child.pid);
      await exited;
    },
    async waitForOutput(pattern, deadlineMs = 30_000) {
      const find = (): RegExpMatchArray | undefined =>
        out.match(pattern) ?? err.match(pattern) ?? undefined;
      const found = await waitFor(() => find() ?? (ended ? "ended" : undefined), {
        deadlineMs,
        describe: `output matching ${String(pattern)}`,
      }).catch((cause: unknown) => {
        throw new Error(`No output matching ${String(pattern)}:\n${out}\n${err}`, { cause });
      });
      if (found === "ended")
        throw new Error(`Ended without printing ${String(pattern)}:\n${out}\n${err}`);
      return found;
    },
  };
}

// The tests' own environment must not leak a profile or a database into what they start.
function baseEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined &&
        !entry[0].startsWith("DOWNBEAT_") &&
        !entry[0].startsWith("VITEST") &&
        entry[0] !== "DATABASE_URL",
    ),
  );
}
