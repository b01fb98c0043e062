import type { z } from "zod";
import type { RetryOptions } from "./retry-policy.ts";

/** A flow as the engine keeps it, after its options were checked. */
export type FlowSpec = {
  readonly name: string;
  readonly parameters: z.ZodType | undefined;
  readonly options: RetryOptions;
  readonly fn: (...args: never[]) => unknown;
};
