import { RunCancelled } from "../errors.ts";
import { log } from "../log.ts";
import type { CachePlan } from "../results/keep-plan.ts";
import type { KeptCall } from "../results/keep-result.ts";
import type { Kept, ResultStore } from "../results/result-store.ts";
import type { StorageLock } from "../storage/result-storage.ts";
import { sleep } from "../timers.ts";
import { isHeldAround, lockWhile } from "./lock-while.ts";

type Lookup<T> = {
  readonly plan: CachePlan;
  readonly call: KeptCall;
  readonly store: ResultStore;
  readonly key: string;
  /** Makes the value and keeps it. */
  readonly make: () => Promise<T>;
};

type OnHit<T> = (hit: Kept) => Promise<T>;

const FIRST_LOOK_MS = 50;
const LONGEST_LOOK_MS = 1_000;

/**
 * The cached value, or the value made now. Of all processes that ask for a key one makes the value, holding the key's lock;
 * the others wait and read it. If it fails, or dies, the next one takes over.
 */
export async function throughCache<T>(lookup: Lookup<T>, onHit: OnHit<T>): Promise<T> {
  const { plan, make } = lookup;
  const isRefreshed = plan.refresh();
  const look = async (): Promise<Kept | undefined> => (isRefreshed ? undefined : readFresh(lookup));
  for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_LOOK_MS)) {
    const hit = await look();
    if (hit !== undefined) return onHit(hit);
    const lock = await take(lookup);
    if (lock === "needless") return make();
    if (lock !== undefined) {
      return lockWhile(lock, heldBy(lookup), async () => {
        // Whoever held the lock before may just have made it.
        const made = await look();
        return made === undefined ? make() : onHit(made);
      });
    }
    await wait(lookup, waitMs);
  }
}

async function readFresh<T>({ store, key, plan, call }: Lookup<T>): Promise<Kept | undefined> {
  const kept = await store.read(key);
  if (kept === undefined || call.timers.now() - kept.keptAtMs < plan.ttlMs) return kept;
  return undefined;
}

// "needless": code around this call holds the lock, or the storage has none to give. Better twice than never.
async function take<T>(lookup: Lookup<T>): Promise<StorageLock | "needless" | undefined> {
  const { location } = heldBy(lookup);
  if (isHeldAround(location)) return "needless";
  try {
    return await lookup.store.storage.lock(lookup.key, lookup.plan.leaseMs);
  } catch (error) {
    log.warn("a cache key could not be locked; its value may be made twice", { error, location });
    return "needless";
  }
}

function heldBy<T>({ store, key, plan }: Lookup<T>) {
  const location = store.storage.locationOf(key);
  const onLost = (): void =>
    log.warn("making a cached value took a lock longer than its lease; it may be made twice", {
      location,
    });
  return { location, leaseMs: plan.leaseMs, onLost };
}

async function wait<T>({ call }: Lookup<T>, mostMs: number): Promise<void> {
  const { timers, signal, witness, owner } = call;
  witness.waiting();
  try {
    await sleep(timers, mostMs * (0.5 + timers.random() / 2), signal);
  } catch {
    witness.cancelled(0);
    throw new RunCancelled(owner);
  }
}
