import { DownbeatError } from "@downbeat/contract/errors";
import type { ErrorIssue } from "@downbeat/contract/errors";

/** The parameters do not fit the flow's schema. `issues` has one entry for each; the message names them all. */
export class ParameterError extends DownbeatError {
  constructor(flowName: string, issues: readonly ErrorIssue[], cause?: unknown) {
    const named = issues.map(
      ({ path, message }) => `${path === "" ? "the parameters" : path}: ${message}`,
    );
    super("parameters_invalid", {
      message: `flow "${flowName}" refuses its parameters: ${named.join("; ")}`,
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
