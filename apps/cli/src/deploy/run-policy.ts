import { InvalidArgumentError, Option } from "commander";
import { DownbeatError, RetryPolicy, type DeploymentSpec } from "@downbeat/contract";
import { parseDurationMs } from "../duration.ts";

/** What `deploy` may say about attempts that end badly or take too long. */
export type RunPolicyOptions = {
  readonly retriesOnCrash?: number;
  readonly retriesOnFailure?: number;
  readonly retryDelay?: string;
  readonly timeout?: string;
  readonly exclusive?: boolean;
};

export function runPolicyOptions(): Option[] {
  return [
    new Option(
      "--retries-on-crash <count>",
      "new attempts after the process or its agent died",
    ).argParser(parseCount),
    new Option("--retries-on-failure <count>", "new attempts after the flow failed").argParser(
      parseCount,
    ),
    new Option(
      "--retry-delay <duration>",
      "wait before the first new attempt, doubled for each further one (default: 10s)",
    ),
    new Option("--timeout <duration>", "longest time of one attempt; then its process is killed"),
    new Option(
      "--exclusive",
      "never let two attempts run at once: a lease that ends kills its process",
    ),
  ];
}

/** @throws {DownbeatError} `usage_invalid` */
export function readRunPolicy(
  options: RunPolicyOptions,
): Pick<DeploymentSpec, "retry" | "timeoutSeconds" | "exclusive"> {
  const { retriesOnCrash = 0, retriesOnFailure = 0, retryDelay, timeout } = options;
  const delaySeconds = retryDelay === undefined ? 10 : parseDurationMs(retryDelay) / 1000;
  const policy = RetryPolicy.safeParse({
    retriesOnCrash,
    retriesOnFailure,
    delaySeconds,
    maxSeconds: Math.max(600, delaySeconds),
  });
  if (!policy.success) throw invalid(`--retry-delay ${retryDelay ?? ""} is longer than a week.`);
  const isNone = retriesOnCrash === 0 && retriesOnFailure === 0;
  return {
    retry: isNone ? null : policy.data,
    timeoutSeconds: timeoutSeconds(timeout),
    exclusive: options.exclusive === true,
  };
}

function timeoutSeconds(text: string | undefined): number | null {
  if (text === undefined) return null;
  const seconds = parseDurationMs(text) / 1000;
  if (Number.isInteger(seconds) && seconds >= 1) return seconds;
  throw invalid(`--timeout "${text}" is not a whole number of seconds.`);
}

function invalid(message: string): DownbeatError {
  return new DownbeatError("usage_invalid", { message });
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 0 && count <= 1000) return count;
  throw new InvalidArgumentError("Give a whole number from 0 to 1000.");
}
