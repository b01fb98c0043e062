import { availableParallelism } from "node:os";
import type { Piscina } from "piscina";
import { log } from "../log.ts";
import { typeScriptLoaders } from "../worker/typescript-loaders.ts";
import type { ThreadCall } from "./thread-call.ts";

const IDLE_THREAD_MS = 10_000;

type Pool = { readonly piscina: Piscina; failure?: Error };
type RunOptions = NonNullable<Parameters<Piscina["run"]>[1]>;

let current: Promise<Pool> | undefined;

/** Calls an export of a module in one of this process's threads. Rejects as well when no thread can be started. */
export async function callInPool(call: ThreadCall, options: RunOptions): Promise<unknown> {
  const pool = await (current ??= createPool());
  try {
    return (await pool.piscina.run(call, options)) as unknown;
  } catch (error) {
    throw pool.failure ?? error;
  }
}

// Loaded with the first task that asks for a thread: most programs never do.
async function createPool(): Promise<Pool> {
  const { Piscina } = await import("piscina");
  const piscina = new Piscina({
    minThreads: 0,
    maxThreads: availableParallelism(),
    idleTimeout: IDLE_THREAD_MS,
    execArgv: [...withoutProgram(process.execArgv), ...typeScriptLoaders().flatMap(importing)],
  });
  const pool: Pool = { piscina };
  piscina.on("error", (error: Error) => {
    if (piscina.threads.length > 0 || piscina.queueSize === 0)
      return log.warn("a worker thread failed outside any task", { error });
    // Its threads do not even start, and it has stopped trying: whoever waits for one would wait for ever.
    pool.failure = error;
    current = undefined;
    void piscina.destroy();
  });
  return pool;
}

const EVALUATES = new Set(["-e", "--eval", "-p", "--print", "-pe"]);

// A program given on the command line is not the thread's, and its options are refused there.
function withoutProgram(execArgv: readonly string[]): string[] {
  return execArgv.filter(
    (arg, index) =>
      !EVALUATES.has(arg) &&
      !EVALUATES.has(execArgv[index - 1] ?? "") &&
      !arg.startsWith("--input-type"),
  );
}

// A loader that was registered in this thread is not there in others.
function importing(loaderUrl: string): string[] {
  const source = `import { register } from ${JSON.stringify(loaderUrl)}; register();`;
  return ["--import", `data:text/javascript,${encodeURIComponent(source)}`];
}
