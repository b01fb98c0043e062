import { createHash } from "node:crypto";
import { DownbeatError } from "@downbeat/contract/errors";
import { encodeValue } from "../results/encode-value.ts";

/** What a policy may look at to say which calls are the same. */
export type CallFacts = {
  readonly args: readonly unknown[];
  /** The function's source text. */
  readonly source: string;
  /** Outside a run every call has one of its own. */
  readonly runId: string;
};

/** Says which calls of a task are the same: those whose keys are equal. The task's name is always part of the key. */
export interface CachePolicy {
  /** Anything that can be kept as JSON with rich types. */
  keyOf(call: CallFacts): unknown;
  /** Calls are the same when both policies say so. */
  and(other: CachePolicy): CachePolicy;
}

/** Same arguments, compared by content. */
export function byInputs(): CachePolicy {
  return policy(({ args }) => args);
}

/** Same source text of the function. What it calls or imports is not looked at. */
export function byCode(): CachePolicy {
  return policy(({ source }) => source);
}

/** Same flow run: the cache then lasts for one run, over all its attempts. */
export function byRun(): CachePolicy {
  return policy(({ runId }) => runId);
}

/**
 * Same value of a function of the arguments.
 *
 * @example
 * cache: { key: byKey((client: Client, city: string) => city) }
 */
export function byKey(keyOf: (...args: never[]) => unknown): CachePolicy {
  return policy(({ args }) => {
    const key = keyOf(...(args as never[]));
    if (!(key instanceof Promise)) return key;
    throw new DownbeatError("definition_invalid", {
      message: "byKey() was given an async function; a key must be known when the task is called",
    });
  });
}

function policy(keyOf: CachePolicy["keyOf"]): CachePolicy {
  return {
    keyOf,
    and: (other) => policy((call) => [keyOf(call), other.keyOf(call)]),
  };
}

// Arguments are hashed on every call; what takes longer than reading this much should be named by a key of its own.
const MOST_KEY_BYTES = 64 * 1024 * 1024;

/**
 * A digest of what a policy says about a call: 64 hexadecimal characters.
 *
 * @throws UnencodableValue or ValueTooLarge when the call cannot be told from others so.
 */
export function digestOf(parts: unknown): string {
  const text = JSON.stringify(encodeValue(parts, { maxBytes: MOST_KEY_BYTES, canonical: true }));
  return createHash("sha256").update(text).digest("hex");
}
