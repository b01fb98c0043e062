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
  /** What the attempt threw, or what ended its process; absent unless it failed, crashed or is about to be retried. */
  readonly error?: unknown;
  /** The pause point at which the run waits; absent unless it is PAUSED. */
  readonly pauseKey?: string;
};

/** May be asynchronous; the call settles after it has, thirty seconds at the latest. */
export type Hook = (event: HookEvent) => unknown;

/**
 * Functions called as a flow or task enters a state, in the process that runs it. A hook that throws is logged as a
 * warning and changes nothing. Each is told the state's name too, of which some types have several.
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

/** {@link StateHooks}, and those for states that only tasks enter; a flow called inside a flow is a task of it. */
export type TaskHooks = StateHooks & {
  /** It waits for what it depends on. */
  readonly onPending?: Hook | readonly Hook[];
  /** It waits for a slot of a limit, for its turn, or for the process that makes the value it needs. */
  readonly onAwaitingSlot?: Hook | readonly Hook[];
};

/** {@link StateHooks}, and those for states that only the run of a flow enters. */
export type FlowHooks = StateHooks & {
  /** It waits for a person, as Paused; or is about to leave this process for that, as Suspended. */
  readonly onPaused?: Hook | readonly Hook[];
  /** It was asked to stop; `onCancelled` follows when it has. */
  readonly onCancelling?: Hook | readonly Hook[];
  /**
   * Its process died: the agent starts another one for these hooks, which has nothing of what was in the first. At most
   * once for each attempt, after that was reported.
   */
  readonly onCrashed?: Hook | readonly Hook[];
};

type HookOption = keyof TaskHooks | keyof FlowHooks;

// A name before its type: SCHEDULED has names that mean different things to whoever waits.
const HOOKS = {
  AwaitingConcurrencySlot: "onAwaitingSlot",
  AwaitingRetry: "onRetrying",
  PENDING: "onPending",
  RUNNING: "onRunning",
  PAUSED: "onPaused",
  CANCELLING: "onCancelling",
  COMPLETED: "onCompleted",
  FAILED: "onFailed",
  CRASHED: "onCrashed",
  CANCELLED: "onCancelled",
} as const satisfies Partial<Record<TaskState["type" | "name"], HookOption>>;

/** Hooks by the name or the type of the state that calls them. */
export type HookTable = Partial<Record<TaskState["type" | "name"], readonly Hook[]>>;

/** Undefined when there are none, which costs nothing per call. */
export function hookTableOf(hooks: TaskHooks & FlowHooks): HookTable | undefined {
  const entries = Object.entries(HOOKS).flatMap(([state, option]) => {
    const given = hooks[option];
    if (given === undefined) return [];
    return [[state, typeof given === "function" ? [given] : given] as const];
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
    for (const hook of this.#hooks[name] ?? this.#hooks[type] ?? []) {
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
