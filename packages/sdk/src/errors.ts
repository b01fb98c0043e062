import { DownbeatError } from "@downbeat/contract/errors";
import type { DownbeatErrorOptions, ErrorCode, ErrorIssue } from "@downbeat/contract/errors";

/** The parameters do not fit the schema of the flow or task. `issues` has one entry for each; the message names them all. */
export class ParameterError extends DownbeatError {
  /** @param owner Who refuses them: `flow "weather-report"`. */
  constructor(owner: string, issues: readonly ErrorIssue[], cause?: unknown) {
    const named = issues.map(
      ({ path, message }) => `${path === "" ? "the parameters" : path}: ${message}`,
    );
    super("parameters_invalid", {
      message: `${owner} refuses its parameters: ${named.join("; ")}`,
      issues,
      cause,
    });
    this.name = "ParameterError";
  }
}

/** One attempt of a flow or task took longer than its `timeoutMs`. */
export class TimeoutError extends Error {
  readonly timeoutMs: number;

  constructor(owner: string, timeoutMs: number, attempt: number) {
    super(`${owner} took longer than its timeoutMs of ${timeoutMs} (attempt ${attempt})`);
    this.name = "TimeoutError";
    this.timeoutMs = timeoutMs;
  }
}

/** The run was cancelled: thrown by a task that starts, or waits to retry, after that. */
export class RunCancelled extends Error {
  constructor(what: string) {
    super(`${what} stopped because its run was cancelled`);
    this.name = "RunCancelled";
  }
}

/** This process has lost the run, which ends elsewhere: what is left of it here is to stop, and no hook hears of that. */
export class RunLost extends Error {
  constructor(what: string) {
    super(`${what} stopped because its run has ended, or goes on, without this process`);
    this.name = "RunLost";
  }
}

/**
 * A task did not run because something it depends on failed or was cancelled: the default of {@link RunWhen}. `cause`
 * is what that one threw.
 */
export class UpstreamFailed extends Error {
  constructor(owner: string, upstream: string, cause: unknown) {
    super(`${owner} did not run: ${upstream} did not complete`, { cause });
    this.name = "UpstreamFailed";
  }
}

const NON_RETRIABLE: unique symbol = Symbol.for("downbeat.non-retriable") as never;

/**
 * Throw it to give up at once, whatever retries are left: the next attempt would fail the same way.
 *
 * @example
 * if (reply.status === 404) throw new NonRetriableError(`there is no order ${id}`);
 */
export class NonRetriableError extends Error {
  readonly [NON_RETRIABLE] = true;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NonRetriableError";
  }
}

/** The result of a flow or task cannot be kept: `code` says why, `issues` where. Not retried: it would be the same again. */
export class ResultError extends DownbeatError {
  readonly [NON_RETRIABLE] = true;

  constructor(code: Extract<ErrorCode, `result_${string}`>, options: DownbeatErrorOptions) {
    super(code, options);
    this.name = "ResultError";
  }
}

/** Recognises the error across copies of this package, which `instanceof` does not. */
export function isNonRetriable(error: unknown): boolean {
  return typeof error === "object" && error !== null && NON_RETRIABLE in error;
}
