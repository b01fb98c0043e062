import { DownbeatError } from "@downbeat/contract/errors";
import type {
  CacheOption,
  CacheOptions,
  PersistOption,
  PersistOptions,
} from "../cache/cache-options.ts";
import { byCode, byInputs } from "../cache/cache-policy.ts";
import type { CachePolicy } from "../cache/cache-policy.ts";
import { ResultStore } from "./result-store.ts";

/** How one task or flow keeps results; made once, when it is defined. */
export type KeepPlan = {
  readonly source: string;
  readonly persist: { readonly store: ResultStore; readonly key: CachePolicy } | undefined;
  readonly cache: CachePlan | undefined;
};

export type CachePlan = {
  readonly store: ResultStore;
  readonly key: CachePolicy;
  readonly ttlMs: number;
  readonly leaseMs: number;
  readonly refresh: () => boolean;
};

type KeepOptions = {
  readonly persist?: PersistOption | undefined;
  readonly cache?: CacheOption | undefined;
};

const LEASE_MS = 30_000;

/**
 * Undefined when nothing is to be kept.
 *
 * @throws DownbeatError `definition_invalid` for a number that cannot work.
 */
export function planKeeping(
  owner: string,
  { persist = false, cache = false }: KeepOptions,
  fn: { toString(): string },
): KeepPlan | undefined {
  if (persist === false && cache === false) return undefined;
  return {
    source: String(fn),
    persist: planPersist(optionsOf(`${owner}: persist`, persist)),
    cache: planCache(optionsOf(`${owner}: cache`, cache)),
  };
}

function planPersist(options: PersistOptions | undefined): KeepPlan["persist"] {
  return options && { store: new ResultStore(options), key: options.key ?? byInputs() };
}

function planCache(options: CacheOptions | undefined): CachePlan | undefined {
  if (options === undefined) return undefined;
  const { key = byInputs().and(byCode()), ttlMs = Number.POSITIVE_INFINITY } = options;
  const { leaseMs = LEASE_MS, refresh = false } = options;
  return {
    store: new ResultStore(options),
    key,
    ttlMs,
    leaseMs,
    refresh: typeof refresh === "function" ? refresh : () => refresh,
  };
}

const AT_LEAST_ONE = ["maxBytes", "ttlMs", "leaseMs"] as const;

function optionsOf<O extends CacheOptions>(owner: string, given: O | boolean): O | undefined {
  if (given === false) return undefined;
  const options = given === true ? ({} as O) : given;
  const wrong = AT_LEAST_ONE.find((name) => options[name] !== undefined && !(options[name] >= 1));
  if (wrong === undefined) return options;
  throw new DownbeatError("definition_invalid", {
    message: `${owner}.${wrong} is ${options[wrong]}; it takes a number from 1`,
  });
}
