import { DownbeatError } from "@downbeat/contract/errors";

/**
 * Where results and cached values are kept: a directory, a bucket, or whatever implements this. Keys are made by the SDK:
 * letters, digits, `_` and `-`, in parts with `/` between. Every method may be called from many processes at once.
 */
export interface ResultStorage {
  /** Where the thing of this key is, for people. It leaves the machine sealed only. */
  locationOf(key: string): string;
  /** The bytes as they were put; undefined when there are none. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Stores the bytes durably and as a whole: a reader sees the old ones or the new ones, however the writer ends. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Deleting what is not there is no error. */
  delete(key: string): Promise<void>;
  /**
   * Tries once to become the only holder of a key's lock; undefined when someone else holds it. A lock lapses by itself
   * `leaseMs` after it was taken or last renewed, so that a holder that died keeps nobody waiting.
   */
  lock(key: string, leaseMs: number): Promise<StorageLock | undefined>;
  /**
   * Deletes what was put under keys that begin with this part longer than so many milliseconds ago. Only `pruneResults()`
   * calls it; without it that is refused.
   */
  prune?(part: "runs" | "cache", olderThanMs: number): Promise<Pruned>;
  /** What {@link prune} would delete, which stays; without it, `dryRun` is refused. */
  prunable?(part: "runs" | "cache", olderThanMs: number): Promise<Pruned>;
}

/** What has been deleted, or would be. */
export type Pruned = { readonly count: number; readonly bytes: number };

/** A lock on a key of a storage that this process holds until it lapses. */
export interface StorageLock {
  /** Holds the lock for another lease from now on; false when it has lapsed and someone else may hold it. */
  renew(): Promise<boolean>;
  /** Lets others have it. A lock that was lost stays whose it is now. */
  release(): Promise<void>;
}

const KEY = /^[\w-]+(\/[\w-]+)*$/;

/** @throws DownbeatError `definition_invalid` for a key that could leave the storage. */
export function checkKey(key: string): void {
  if (KEY.test(key)) return;
  throw new DownbeatError("definition_invalid", {
    message: `"${key}" cannot be a key of a storage: it takes letters, digits, _ and -, in parts with / between`,
  });
}
