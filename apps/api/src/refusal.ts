import { isDownbeatError } from "@downbeat/contract";
import { isUnreachable } from "./unreachable.ts";

/**
 * Whether an error is no fault of a line of code but says "not now": there is too much to do, or the database is away.
 * What became `unavailable` for any other cause is a fault.
 */
export function isRefusal(error: unknown): boolean {
  if (isUnreachable(error)) return true;
  if (!isDownbeatError(error) || error.code !== "unavailable") return false;
  return error.cause === undefined || isRefusal(error.cause);
}
