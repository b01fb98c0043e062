import { isDownbeatError } from "@downbeat/contract";

/** What an error says to people: what failed, and what to do about it where that is known. */
export function wordsOf(error: unknown): string {
  if (isDownbeatError(error)) {
    const requestId = error.requestId === undefined ? "" : ` (request ${error.requestId})`;
    return `${error.message} ${error.remedy}${requestId}`;
  }
  return error instanceof Error ? error.message : String(error);
}
