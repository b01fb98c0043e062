import { log } from "./log.ts";
import type { TaskState } from "./run-when.ts";
import { withinMs } from "./timers.ts";
import type { Timers } from "./timers.ts";

/** What a hook is told. */
export type HookEvent = {
  readonly noun: "flow" | "task";
  /** Of the flow or task. */
  readonly name: string;
  readonly state: TaskState;
  /** From 1. */
  readonly attempt: number;
  /** What the attempt threw; absent unless it failed or is about to be retried. */
  readonly error?: unknown;
};

/** May be asynchronous; the call settles after it has, thirty seconds at the latest. */
export type Hook = (event: HookEvent) => unknown;

/**
 * Functions called as a flow or task enters a state, in the process that runs it. A hook that throws is logged as a
 * warning and changes nothing.
 */
export type StateHooks = {
  /** An attempt starts. */
  readonly onRunning?: Hook | readonly Hook[];
  /** An attempt has failed and another follows. */
  readonly onRetrying?: Hook | readonly Hook[];
  /** It completed; also from a cache (Cached) or without running (Skipped). */
  readonly onCompleted?: Hook | readonly Hook[];
  /** It failed for good; also as TimedOut or UpstreamFailed. */
  readonly onFailed?: Hook | readonly Hook[];
  /** It stopped because its run was cancelled. */
  readonly onCancelled?: Hook | readonly Hook[];
};

const HOOKS = {
  RUNNING: "onRunning",
  SCHEDULED: "onRetrying",
  COMPLETED: "onCompleted",
  FAILED: "onFailed",
  CANCELLED: "onCancelled",
} as const satisfies Partial<Record<TaskState["type"], keyof StateHooks>>;

/** Hooks by the type of the state that calls them. */
export type HookTable = Partial<Record<TaskState["type"], readonly Hook[]>>;

/** Undefined when there are none, which costs nothing per call. */
export function hookTableOf(hooks: StateHooks): HookTable | undefined {
  const entries = Object.entries(HOOKS).flatMap(([type, option]) => {
    const given = hooks[option];
    if (given === undefined) return [];
    return [[type, typeof given === "function" ? [given] : given] as const];
  });
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as HookTable);
}

const LONGEST_HOOK_MS = 30_000;

/** Calls the hooks of one flow or task run. */
export class HookRunner {
  readonly #hooks: HookTable;
  readonly #timers: Timers;
  readonly #pending = new Set<Promise<void>>();

  constructor(hooks: HookTable, timers: Timers) {
    this.#hooks = hooks;
    this.#timers = timers;
  }

  fire(event: HookEvent): void {
    const { type, name } = event.state;
    if (type === "SCHEDULED" && name !== "AwaitingRetry") return;
    for (const hook of this.#hooks[type] ?? []) {
      const call = this.#call(hook, event).finally(() => this.#pending.delete(call));
      this.#pending.add(call);
    }
  }

  /** Resolves when all hooks called so far have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async #call(hook: Hook, event: HookEvent): Promise<void> {
    const what = `the hook of ${event.noun} "${event.name}" for ${event.state.name}`;
    try {
      const ended = await withinMs(this.#timers, LONGEST_HOOK_MS, async () => hook(event));
      if (!ended) log.warn(`${what} takes longer than ${LONGEST_HOOK_MS} ms; nothing waits for it`);
    } catch (error) {
      log.warn(`${what} failed`, { error });
    }
  }
}
