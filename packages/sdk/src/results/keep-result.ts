import { randomUUID } from "node:crypto";
import { digestOf } from "../cache/cache-policy.ts";
import type { CachePolicy } from "../cache/cache-policy.ts";
import { throughCache } from "../cache/through-cache.ts";
import { log } from "../log.ts";
import type { ResultPointer } from "../run-host.ts";
import type { RunScope } from "../run-scope.ts";
import type { Timers } from "../timers.ts";
import { UnencodableValue, ValueTooLarge } from "./encode-value.ts";
import type { KeepPlan } from "./keep-plan.ts";
import type { Kept, ResultStore } from "./result-store.ts";

/** A call whose result is to be kept, or was. */
export type KeptCall = {
  readonly plan: KeepPlan;
  /** `task "fetch-day"`: for messages, and part of every key. */
  readonly owner: string;
  readonly args: readonly unknown[];
  readonly timers: Timers;
  readonly signal: AbortSignal | undefined;
  /** Absent outside a flow. */
  readonly scope: RunScope | undefined;
  readonly flowAttempt: number;
  readonly witness: KeepWitness;
};

/** Is told what becomes of a kept call, for the record. */
export interface KeepWitness {
  /** The value is there already: nothing is called. */
  found(result: ResultPointer, cacheKey: string | undefined): void;
  /** The value that was just made is kept; comes before its call is reported as complete. */
  kept(result: ResultPointer | undefined, cacheKey: string | undefined): void;
  /** Undoes that it was kept; set when something was. */
  forget: (() => Promise<void>) | undefined;
  /** Someone else makes the value. */
  waiting(): void;
  /** The run was cancelled while someone else made the value. */
  cancelled(attempt: number): void;
}

/** Makes the value; `keep` is to be called with it before it counts as made. */
export type Make<T> = (keep: (value: T) => Promise<void>) => Promise<T>;

/**
 * The value of a call: as an earlier attempt of the run kept it, or as the cache holds it, or made now and kept. Calls are
 * told apart when they begin, in order, so that another attempt finds the same ones.
 *
 * @throws what `make` throws; DownbeatError `result_unserialisable` or `result_too_large` from `keep`
 */
export async function keepResult<T>(call: KeptCall, make: Make<T>): Promise<T> {
  const persisted = persistedPlace(call);
  const cached = cachedPlace(call);
  const before = await persisted?.store.read(persisted.key);
  const forget = (places: readonly (Place | undefined)[]) => async (): Promise<void> => {
    for (const place of places) await place?.store.storage.delete(place.key);
  };
  if (before !== undefined) {
    call.witness.forget = forget([persisted]);
    return found(call, before, undefined) as T;
  }
  const writing = { owner: call.owner, nowMs: call.timers.now() };
  const keep = async (value: unknown): Promise<void> => {
    const inCache = await cached?.store.write(cached.key, value, writing);
    const inRun = await persisted?.store.write(persisted.key, value, writing);
    call.witness.forget = forget([persisted, cached]);
    call.witness.kept(inRun ?? inCache, cached?.digest);
  };
  const { cache } = call.plan;
  if (cached === undefined || cache === undefined) return make(keep);
  return throughCache<T>({ ...cached, plan: cache, call, make: () => make(keep) }, async (hit) => {
    // The cache may forget it before the run is over.
    await persisted?.store.write(persisted.key, hit.value, writing);
    call.witness.forget = forget([persisted]);
    return found(call, hit, cached.digest) as T;
  });
}

function found(call: KeptCall, { value, pointer }: Kept, cacheKey: string | undefined): unknown {
  call.witness.found(pointer, cacheKey);
  return value;
}

type Place = { readonly store: ResultStore; readonly key: string; readonly digest: string };

/**
 * Where this call's result lies for other attempts of the run. Among calls of one task with the same inputs, the
 * how-manieth in this attempt decides, so a loop that has changed finds what still fits and nothing else.
 */
function persistedPlace({ plan, ...call }: KeptCall): Place | undefined {
  const { scope, flowAttempt, owner } = call;
  if (plan.persist === undefined || scope === undefined) return undefined;
  const { store, key: policy } = plan.persist;
  const digest = digestIn({ plan, ...call }, policy, "is not kept");
  if (digest === undefined) return undefined;
  const ordinal = scope.nextIndex(`kept ${flowAttempt} ${digest}`);
  const { runId, resultsFrom = 0 } = scope.run;
  const key = `runs/${runId}/${resultsFrom}/${digestOf([owner, digest, ordinal])}`;
  return { store, key, digest };
}

function cachedPlace(call: KeptCall): Place | undefined {
  const { cache } = call.plan;
  if (cache === undefined) return undefined;
  const digest = digestIn(call, cache.key, "is not cached");
  return digest === undefined ? undefined : { store: cache.store, key: `cache/${digest}`, digest };
}

// A call that cannot be told from others is made: to take another's result for its own would be worse.
function digestIn(call: KeptCall, policy: CachePolicy, loss: string): string | undefined {
  const { args, plan, scope, owner } = call;
  const runId = scope?.run.runId ?? randomUUID();
  try {
    return digestOf([owner, policy.keyOf({ args, source: plan.source, runId })]);
  } catch (error) {
    if (!(error instanceof UnencodableValue || error instanceof ValueTooLarge)) throw error;
    log.warn(`${owner} ${loss}: its inputs cannot be compared (${error.message}); give a byKey()`);
    return undefined;
  }
}
