import { VirtualClock } from "./virtual-clock.ts";
import type { ClockOptions } from "./virtual-clock.ts";

/**
 * Calls code whose tasks retry and time out by a clock that jumps ahead, for a task that is tested without a flow.
 *
 * @returns What `body` returns or resolves with; rejects as it does.
 * @example
 * const rows = await withVirtualTime(() => readRows("2014-07-01"));
 * @throws NothingLeftToHappen when it awaits something that never comes.
 */
export function withVirtualTime<T>(
  body: () => T | PromiseLike<T>,
  options: ClockOptions = {},
): Promise<T> {
  return new VirtualClock(options).settle(body);
}
