import { AsyncLocalStorage } from "node:async_hooks";
import type { RunScope } from "./run-scope.ts";
import type { Slots } from "./slots.ts";
import type { TaskRun } from "./task-run.ts";
import { systemTimers } from "./timers.ts";
import type { Timers } from "./timers.ts";
import type { TransactionScope } from "./transaction-scope.ts";

/** What surrounds the code that runs now: its flow run, its task, its clock, its signal. */
export type Frame = {
  readonly timers: Timers;
  /** Absent outside a flow. */
  readonly scope: RunScope | undefined;
  /** Absent in the flow's own body. */
  readonly task: { readonly run: TaskRun; readonly attempt: number } | undefined;
  /** The flow's attempt, from 1. */
  readonly flowAttempt: number;
  readonly signal: AbortSignal | undefined;
  readonly transaction: TransactionScope | undefined;
  /**
   * What tasks called here take a place of. Absent where nothing limits them, and inside a task: what it calls shares its
   * place, or a task that waits for another could wait forever.
   */
  readonly slots: Slots | undefined;
};

/** Outside any flow and task. */
export const blankFrame: Frame = {
  timers: systemTimers,
  scope: undefined,
  task: undefined,
  flowAttempt: 1,
  signal: undefined,
  transaction: undefined,
  slots: undefined,
};

// A project may hold two copies of this package (its own and a library's). They share one storage, so that a task from
// one copy finds the flow of the other; the number names the shape of a frame.
const STORAGE = Symbol.for("downbeat.frames.2");
const shared = globalThis as { [STORAGE]?: AsyncLocalStorage<Frame> };
const frames = (shared[STORAGE] ??= new AsyncLocalStorage<Frame>());

export function currentFrame(): Frame | undefined {
  return frames.getStore();
}

export function inFrame<T>(frame: Frame, body: () => T): T {
  return frames.run(frame, body);
}

/** Runs `body` with another clock; flows and tasks called in it, however deep, use that one. */
export function withTimers<T>(timers: Timers, body: () => T): T {
  return frames.run({ ...(frames.getStore() ?? blankFrame), timers }, body);
}
