import { isDownbeatError, type DownbeatError, type ErrorCode } from "@downbeat/contract";
import type { FastifyBaseLogger, FastifyRequest } from "fastify";

/** How long refusals that follow a first one are counted. */
const COUNTED_MS = 1000;

/** Calls back after a time, in milliseconds. */
export type CallLater = (call: () => void, delayMs: number) => void;

/**
 * Logs refused requests without adding to what there is too much of already: of each code the first at once, with its
 * route, and a second later how many followed, by route.
 */
export class RefusalLog {
  readonly #log: FastifyBaseLogger;
  readonly #callLater: CallLater;
  /** By code: how often each route was refused since the first was logged. */
  readonly #followers = new Map<ErrorCode, Map<string, number>>();

  constructor(log: FastifyBaseLogger, callLater: CallLater = callLaterUnlessEnded) {
    this.#log = log;
    this.#callLater = callLater;
  }

  /** Logs or counts that `request` is refused for `error`, under the code it arose with. */
  note(error: DownbeatError, request: FastifyRequest): void {
    const reason = reasonOf(error);
    const { method, routeOptions, log } = request;
    // The route's pattern, not the address that was asked: that could hold anything.
    const route = routeOptions.url ?? "none";
    const followers = this.#followers.get(reason.code);
    if (followers !== undefined) {
      const name = `${method} ${route}`;
      followers.set(name, (followers.get(name) ?? 0) + 1);
      return;
    }
    log.warn({ err: reason, method, route }, "refused a request");
    this.#followers.set(reason.code, new Map());
    this.#callLater(() => this.#tell(reason.code), COUNTED_MS);
  }

  /** Logs what was counted and not yet told. */
  close(): void {
    for (const code of this.#followers.keys()) this.#tell(code);
  }

  #tell(code: ErrorCode): void {
    const followers = this.#followers.get(code);
    this.#followers.delete(code);
    if (followers === undefined || followers.size === 0) return;
    const requests = [...followers.values()].reduce((sum, count) => sum + count);
    const routes = Object.fromEntries(followers);
    this.#log.warn({ code, requests, routes }, "refused more requests for the same");
  }
}

// What is answered as `unavailable` may have begun as a lost database.
function reasonOf(error: DownbeatError): DownbeatError {
  return isDownbeatError(error.cause) ? reasonOf(error.cause) : error;
}

function callLaterUnlessEnded(call: () => void, delayMs: number): void {
  setTimeout(call, delayMs).unref();
}
