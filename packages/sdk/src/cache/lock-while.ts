import { AsyncLocalStorage } from "node:async_hooks";
import type { StorageLock } from "../storage/result-storage.ts";

const RENEWALS_PER_LEASE = 3;

const held = new AsyncLocalStorage<ReadonlySet<string>>();

/** Whether code around this call holds the lock of that place: waiting for it would never end. */
export function isHeldAround(location: string): boolean {
  return held.getStore()?.has(location) ?? false;
}

type Held = {
  readonly location: string;
  readonly leaseMs: number;
  /** Is told when the lock lapsed meanwhile, as in a process that was held up for longer than the lease. */
  readonly onLost: () => void;
};

/** Does the work with the lock, renewing it until the work is done, and gives it back however that ends. */
export async function lockWhile<T>(
  lock: StorageLock,
  { location, leaseMs, onLost }: Held,
  work: () => Promise<T>,
): Promise<T> {
  const renew = async (): Promise<void> => {
    if (await lock.renew()) return;
    clearInterval(beat);
    onLost();
  };
  // Real time whatever clock the tasks have: others measure the lease by theirs.
  // A renewal that fails is followed by another before the lease is over.
  const beat = setInterval(() => void renew().catch(() => {}), leaseMs / RENEWALS_PER_LEASE);
  beat.unref();
  try {
    return await held.run(new Set([...(held.getStore() ?? []), location]), work);
  } finally {
    clearInterval(beat);
    await lock.release().catch(() => {}); // then it lapses
  }
}
