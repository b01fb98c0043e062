import { inspect } from "node:util";
import type { ErrorRecord } from "./run-host.ts";
import { withoutSecrets } from "./secret.ts";

const CLASS = /^[A-Za-z_$][\w$.]{0,63}$/;
// A record is sealed into at most 96 KiB of text; these keep a chain of causes well inside that.
const LONGEST_MESSAGE = 8_192;
const LONGEST_STACK = 8_192;
const DEEPEST_CAUSE = 4;

/** The class recorded when something other than an `Error` was thrown. */
export const THROWN_VALUE = "ThrownValue";

/** Turns whatever was thrown into a record. Never throws itself, whatever getters the value carries. */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  try {
    return record(thrown, DEEPEST_CAUSE);
  } catch (unreadable) {
    return {
      class: THROWN_VALUE,
      message: `a thrown value that cannot be read: ${withoutSecrets(describe(unreadable))}`,
    };
  }
}

function record(thrown: unknown, depthLeft: number): ErrorRecord {
  if (!isErrorLike(thrown)) {
    return {
      class: THROWN_VALUE,
      message: cut(`thrown value: ${describe(thrown)}`, LONGEST_MESSAGE),
    };
  }
  const cause = causeOf(thrown);
  return {
    class: classOf(thrown),
    message: cut(String(thrown.message), LONGEST_MESSAGE),
    ...(typeof thrown.stack === "string" && { stack: cut(thrown.stack, LONGEST_STACK) }),
    ...(cause !== undefined && depthLeft > 0 && { cause: record(cause, depthLeft - 1) }),
  };
}

// Errors from another realm (a vm context, a test runner) fail `instanceof Error`.
function isErrorLike(thrown: unknown): thrown is Error {
  return thrown instanceof Error || Object.prototype.toString.call(thrown) === "[object Error]";
}

// Authors who subclass Error rarely set `name`, those who throw a DOMException rely on it: the more telling one wins.
function classOf(error: Error): string {
  const constructorName: unknown = error.constructor?.name;
  const names = [error.name === "Error" ? undefined : error.name, constructorName];
  const ordered =
    constructorName === "Error" || constructorName === "DOMException" ? names : names.toReversed();
  const fitting = ordered.find((name) => typeof name === "string" && CLASS.test(name));
  return typeof fitting === "string" ? fitting : "Error";
}

function causeOf(error: Error): unknown {
  if (error.cause !== undefined) return error.cause;
  return error instanceof AggregateError ? error.errors[0] : undefined;
}

function describe(value: unknown): string {
  return typeof value === "string" ? value : inspect(value, { depth: 2, breakLength: 120 });
}

function cut(whole: string, longest: number): string {
  const text = withoutSecrets(whole);
  return text.length <= longest
    ? text
    : `${text.slice(0, longest)}… (${text.length - longest} more characters)`;
}
