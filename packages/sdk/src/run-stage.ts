import { AsyncLocalStorage } from "node:async_hooks";
import type { FlowOutcome, RunHost } from "./run-host.ts";

/** One run of a flow that something other than an agent hosts. */
export type HostedRun = {
  readonly host: RunHost;
  finish(outcome: FlowOutcome): void | Promise<void>;
};

/** Hosts the flows that are called on it, in place of the profile's plane. The test kit is one. */
export interface RunStage {
  open(flowName: string): HostedRun;
}

// As for frames: the test kit and the code under test may come from two copies of this package.
const STORAGE = Symbol.for("downbeat.stages.1");
const shared = globalThis as { [STORAGE]?: AsyncLocalStorage<RunStage> };
const stages = (shared[STORAGE] ??= new AsyncLocalStorage<RunStage>());

export function currentStage(): RunStage | undefined {
  return stages.getStore();
}

export function onStage<T>(stage: RunStage, body: () => T): T {
  return stages.run(stage, body);
}
