import { DownbeatError } from "@downbeat/contract";
import { isBulk, type BulkOptions } from "./bulk-runs.ts";

/**
 * Whether a command means one run or those of a filter.
 *
 * @throws {DownbeatError} `usage_invalid` when it is both or neither.
 */
export function oneOrMany(given: string | undefined, options: BulkOptions): "one" | "many" {
  const many = isBulk(options);
  if (given !== undefined && !many && options.dryRun !== true) return "one";
  if (given === undefined && many) return "many";
  throw new DownbeatError("usage_invalid", {
    message:
      given === undefined
        ? "Give a run, or choose runs with --state, --flow, --deployment, --pool, --older-than or --newer-than."
        : `Give the run ${given} or a filter, not both.`,
  });
}
