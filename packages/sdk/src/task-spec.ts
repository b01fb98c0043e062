import type { NameRenderer } from "./render-name.ts";
import type { KeepPlan } from "./results/keep-plan.ts";
import type { RetryOptions } from "./retry-policy.ts";
import type { RunWhen } from "./run-when.ts";
import type { HookTable } from "./state-hooks.ts";
import type { TransactionHooks } from "./transaction-scope.ts";

/** A task, or a flow called inside a flow, as the engine keeps it: made once, when it is defined. */
export type TaskSpec = {
  readonly noun: "task" | "flow";
  readonly name: string;
  /** For messages: `task "fetch-day"`. */
  readonly owner: string;
  readonly fn: (...args: never[]) => unknown;
  readonly retry: RetryOptions;
  /** Named limits of which each attempt holds a slot. */
  readonly limits?: readonly string[] | undefined;
  /** Static labels; each attempt holds a slot of the limits that have one of them. */
  readonly tags?: readonly string[] | undefined;
  /** What becomes of its results. */
  readonly keep?: KeepPlan | undefined;
  readonly hooks?: HookTable | undefined;
  readonly renderName?: NameRenderer | undefined;
  /** What must have ended before it runs, besides futures among the arguments. */
  readonly after?: readonly PromiseLike<unknown>[] | undefined;
  /** What has been awaited for it already; it is drawn in the graph in place of `after`. */
  readonly edges?: readonly unknown[] | undefined;
  readonly runWhen?: RunWhen | undefined;
  readonly transactionHooks?: TransactionHooks | undefined;
  /** Checks and parses the arguments once, before the first attempt. */
  readonly parse?: ((args: readonly unknown[]) => Promise<readonly unknown[]>) | undefined;
  /** How many of the tasks called in its body may run at a time. */
  readonly concurrency?: number | undefined;
};
