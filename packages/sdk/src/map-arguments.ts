import { DownbeatError } from "@downbeat/contract/errors";
import { isFuture } from "./future.ts";
import { checkConcurrency } from "./slots.ts";

/** How `task.map()` goes about its items. */
export type MapOptions = {
  /** How many of its calls run at a time. Default 100. */
  readonly concurrency?: number;
};

const DEFAULT_CONCURRENCY = 100;
const UNMAPPED: unique symbol = Symbol.for("downbeat.unmapped") as never;

/** An argument that every call of a map receives as it is; made by {@link unmapped}. */
export type Unmapped<T> = { readonly [UNMAPPED]: T };

/**
 * Marks an argument of `task.map()` that is the same for every call: a list, which would be taken item by item, or an
 * object.
 *
 * @example
 * await convert.map(days, unmapped({ unit: "°C" }));
 */
export function unmapped<T>(value: T): Unmapped<T> {
  return { [UNMAPPED]: value };
}

/** What was given to `task.map()`, told apart: the last argument may be its options. */
export type MapCall = { readonly args: readonly unknown[]; readonly concurrency: number };

/** @throws DownbeatError `definition_invalid` when the call cannot be understood. */
export function readMapCall(owner: string, given: readonly unknown[]): MapCall {
  const last = given.at(-1);
  const options = isOptions(last) ? last : {};
  const { concurrency = DEFAULT_CONCURRENCY } = options;
  checkConcurrency(`the map of ${owner}`, concurrency);
  return { args: isOptions(last) ? given.slice(0, -1) : given, concurrency };
}

// Nothing else a map takes is a plain object: it would have to be marked as unmapped.
function isOptions(value: unknown): value is MapOptions {
  if (typeof value !== "object" || value === null || isFuture(value)) return false;
  if (UNMAPPED in value || Symbol.iterator in value) return false;
  return Object.keys(value).every((key) => key === "concurrency");
}

/** The arguments of each call of a map. */
export type MappedCalls = {
  readonly count: number;
  readonly argumentsAt: (index: number) => readonly unknown[];
};

/**
 * Lines up what was given: lists item by item, the rest for every call.
 *
 * @param args With futures replaced by what they brought.
 * @throws DownbeatError `definition_invalid` when there is no list, or their lengths differ.
 */
export function lineUp(owner: string, args: readonly unknown[]): MappedCalls {
  const columns = args.map((arg) => columnOf(owner, arg));
  const lengths = columns.flatMap(({ length }) => (length === undefined ? [] : [length]));
  const [count] = lengths;
  if (count === undefined)
    throw invalid(owner, "no list; the first argument is the list to map over");
  if (lengths.some((length) => length !== count))
    throw invalid(owner, `lists of different lengths: ${lengths.join(", ")}`);
  return { count, argumentsAt: (index) => columns.map(({ at }) => at(index)) };
}

type Column = { readonly length: number | undefined; readonly at: (index: number) => unknown };

function columnOf(owner: string, arg: unknown): Column {
  if (typeof arg !== "object" || arg === null) return { length: undefined, at: () => arg };
  if (UNMAPPED in arg) return { length: undefined, at: () => arg[UNMAPPED] };
  if (!isIterable(arg))
    throw invalid(owner, "an object that is neither a list nor marked with unmapped()");
  const items = Array.isArray(arg) ? (arg as readonly unknown[]) : [...arg];
  return { length: items.length, at: (index) => items[index] };
}

function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value;
}

function invalid(owner: string, given: string): DownbeatError {
  return new DownbeatError("definition_invalid", {
    message: `map() of ${owner} was given ${given}`,
  });
}
