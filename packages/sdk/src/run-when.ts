import type { StateName, StateType } from "@downbeat/contract";

/** A state as code sees it: `type` drives logic, `name` is its label (docs/states.md lists both). */
export type TaskState = { readonly type: StateType; readonly name: StateName };

/** How one of the things that a task depends on has ended. */
export type Upstream = {
  /** Absent for a promise that no task made. */
  readonly taskName?: string;
  readonly state: TaskState;
  /** What it threw; absent when it completed. */
  readonly error?: unknown;
};

/**
 * When a task runs whose upstreams (futures among its arguments, and `after`) have all ended:
 * - `all-completed` (default): if none failed or was cancelled. Otherwise it ends as UpstreamFailed.
 * - `all-done`: in any case. A failed upstream among the arguments arrives as `undefined`.
 * - `any-failed`: if one failed or was cancelled.
 * - a function of the upstreams that says so.
 *
 * A task that does not run although nothing failed ends as Skipped, with `undefined`.
 */
export type RunWhen =
  | "all-completed"
  | "all-done"
  | "any-failed"
  | ((upstreams: readonly Upstream[]) => boolean);

export const RUN_WHEN = {
  "all-completed": (upstreams) => !upstreams.some(hasFailed),
  "all-done": () => true,
  "any-failed": (upstreams) => upstreams.some(hasFailed),
} as const satisfies Record<string, (upstreams: readonly Upstream[]) => boolean>;

export function runsAfter(
  rule: RunWhen = "all-completed",
  upstreams: readonly Upstream[],
): boolean {
  return (typeof rule === "function" ? rule : RUN_WHEN[rule])(upstreams);
}

export function hasFailed({ state }: Upstream): boolean {
  return state.type !== "COMPLETED";
}
