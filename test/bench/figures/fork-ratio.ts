import { fork } from "node:child_process";
import { once } from "node:events";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ProcessLauncher } from "@downbeat/agent";
import { quantile, ratioFigure, type Figure } from "../figure.ts";

const SAMPLES = 30;
const WARM_UP = 3;
const TEST_FOLDER = resolve(import.meta.dirname, "../../..");

// The same first line of the same module, on the clock that all processes of a machine share; forked bare, the module calls
// its flow itself.
const MODULE = `import { flow } from "@downbeat/sdk";
export const first = flow({ name: "first" }, async () => { console.log(process.hrtime.bigint()); });
if (process.env.BENCH_BARE === "1") await first();
`;

/** From asking for a fresh process to the first line of a flow in it, over a bare fork of the flow's module. */
export async function forkRatio(): Promise<Figure> {
  const folder = await mkdtemp(join(tmpdir(), "downbeat-fork-"));
  await writeFile(join(folder, "flow.mjs"), MODULE);
  await symlink(join(TEST_FOLDER, "node_modules"), join(folder, "node_modules"));
  const launcher = new ProcessLauncher({ worker: workerOptions(folder), limit: 1 });
  try {
    const pairs: { launchedMs: number; bareMs: number }[] = [];
    for (let i = 0; i < SAMPLES + WARM_UP; i++) {
      const bareMs = await bareFork(folder);
      pairs.push({ bareMs, launchedMs: await launchedRun(launcher, folder) });
    }
    const measured = pairs.slice(WARM_UP);
    const bareMs = median(measured.map((pair) => pair.bareMs));
    const ratios = measured.map((pair) => pair.launchedMs / bareMs);
    return ratioFigure("fork_ratio", ratios);
  } finally {
    await launcher.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function workerOptions(folder: string) {
  return {
    entryPath: join(TEST_FOLDER, "node_modules/@downbeat/sdk/dist/worker/main.js"),
    execArgv: [],
    tsLoaderUrls: [],
    projectDirectory: folder,
    environment: { PATH: process.env["PATH"] ?? "" },
    readyTimeoutMs: 30_000,
  };
}

async function launchedRun(launcher: ProcessLauncher, folder: string): Promise<number> {
  const askedAt = process.hrtime.bigint();
  const worker = await launcher.take();
  const message = {
    type: "run" as const,
    runId: randomUUID(),
    epoch: 1,
    attempt: 1,
    flowName: "first",
    modulePath: join(folder, "flow.mjs"),
    exportName: "first",
    parameters: {},
  };
  let stamp = "";
  await worker.run(message, { events: () => {}, line: (_, text) => (stamp = text) });
  launcher.giveBack(worker);
  await worker.exited;
  return millisecondsBetween(askedAt, stamp);
}

async function bareFork(folder: string): Promise<number> {
  const askedAt = process.hrtime.bigint();
  const env = { PATH: process.env["PATH"] ?? "", BENCH_BARE: "1" };
  const child = fork(join(folder, "flow.mjs"), [], { env, silent: true });
  let stamp = "";
  child.stdout?.on("data", (chunk: Buffer) => (stamp += chunk.toString()));
  await once(child, "close");
  return millisecondsBetween(askedAt, stamp.trim());
}

function millisecondsBetween(from: bigint, to: string): number {
  return Number(BigInt(to.replace(/n$/, "")) - from) / 1e6;
}

function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}
