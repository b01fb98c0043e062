import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { BareCaller } from "./caller.ts";

export type BareDispatch = {
  /** Triggers a run; it has begun soon after. */
  readonly trigger: () => Promise<unknown>;
  readonly stop: () => void;
};

/**
 * The limit of dispatch: a trigger, a held request for work and a start report, in bare parts. Node's HTTP and IPC, one
 * statement and one commit each for the trigger and the start, on processes like the real ones. Whenever a run begins, its
 * worker writes the instant to the file `bare-stamps` of the folder.
 */
export async function startBareDispatch(
  databaseUrl: string,
  folder: string,
): Promise<BareDispatch> {
  const children: ChildProcess[] = [];
  const start = async (module: string, env: Record<string, string>): Promise<unknown> => {
    const child = fork(join(import.meta.dirname, `${module}.js`), {
      env: { ...process.env, ...env },
    });
    children.push(child);
    const [said] = await once(child, "message");
    return said;
  };
  const port = await start("plane", { BENCH_DATABASE_URL: databaseUrl });
  await start("agent", { BENCH_PORT: String(port), BENCH_FOLDER: folder });
  const caller = new BareCaller(Number(port));
  return {
    trigger: () => caller.call("/create", {}),
    // What they have started goes with them.
    stop: () => children.forEach((child) => child.disconnect()),
  };
}
