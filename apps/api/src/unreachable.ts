import { isDownbeatError } from "@downbeat/contract";

/** Whether an error says that the database is away: then smaller batches would fail just the same. */
export function isUnreachable(error: unknown): boolean {
  return isDownbeatError(error) && error.code === "database_unreachable";
}
