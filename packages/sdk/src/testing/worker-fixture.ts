import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { RunMessage, RunOutcome } from "../worker/messages.ts";
import { bundleSource } from "./bundle-source.ts";
import { WorkerChild } from "./worker-child.ts";

/**
 * A directory with flows, and workers that run them. The worker and the flows' copy of the package are built apart, as
 * they are in a user's project: nothing but the protocol on the flow connects them.
 */
export class WorkerFixture {
  readonly directory = mkdtempSync(join(tmpdir(), "downbeat-worker-"));
  readonly #workers: WorkerChild[] = [];

  async build(): Promise<void> {
    const source = (path: string) => new URL(path, import.meta.url);
    await bundleSource(source("../worker/main.ts"), join(this.directory, "worker.mjs"));
    await bundleSource(source("../index.ts"), join(this.directory, "sdk.mjs"));
  }

  module(name: string, source: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, source);
    return path;
  }

  flowModule(name: string, source: string): string {
    const imports = `import { flow, log, runContext, task } from "./sdk.mjs";`;
    return this.module(name, `${imports}\n${source}\n`);
  }

  start(...args: string[]): WorkerChild {
    const worker = new WorkerChild(join(this.directory, "worker.mjs"), args);
    this.#workers.push(worker);
    return worker;
  }

  async outcomeOf(path: string, exportName: string, flowName = exportName): Promise<RunOutcome> {
    const worker = this.start();
    worker.send({ ...aRun("only", path, flowName), exportName });
    return worker.finished("only");
  }

  killAll(): void {
    for (const { child } of this.#workers.splice(0)) child.kill("SIGKILL");
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A request to run the flow that a module exports under its own name. */
export function aRun(
  runId: string,
  modulePath: string,
  flowName: string,
  parameters: unknown = {},
): RunMessage {
  const entrypoint = { modulePath, flowName, exportName: flowName };
  return { type: "run", runId, epoch: 1, attempt: 1, ...entrypoint, parameters, tellsStart: true };
}
