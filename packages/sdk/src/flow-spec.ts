import type { z } from "zod";
import type { KeepPlan } from "./results/keep-plan.ts";
import type { RetryOptions } from "./retry-policy.ts";
import type { HookTable } from "./state-hooks.ts";

/** A flow as the engine keeps it, after its options were checked. */
export type FlowSpec = {
  readonly name: string;
  readonly parameters: z.ZodType | undefined;
  readonly options: RetryOptions;
  /** What becomes of its result. */
  readonly keep?: KeepPlan | undefined;
  readonly hooks: HookTable | undefined;
  /** How many of its tasks may run at a time. */
  readonly concurrency: number | undefined;
  /** Whether two attempts of a run must never be executed at once. */
  readonly exclusive?: boolean | undefined;
  /** Whether what it logs is deflated before it is sealed. */
  readonly compressLogs?: boolean | undefined;
  /** Whether what its runs write to `console` becomes part of their log. Undefined: as their host has it. */
  readonly captureConsole?: boolean | undefined;
  readonly fn: (...args: never[]) => unknown;
};
