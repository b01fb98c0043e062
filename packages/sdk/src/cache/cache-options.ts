import type { StoreOptions } from "../results/result-store.ts";
import type { CachePolicy } from "./cache-policy.ts";

/** How values of a task are shared among runs: which calls are the same, for how long, and where values are kept. */
export type CacheOptions = StoreOptions & {
  /** Which calls are the same. Default: `byInputs().and(byCode())`. */
  readonly key?: CachePolicy;
  /** How long a value is good for, in milliseconds since it was made. Default: for ever. */
  readonly ttlMs?: number;
  /** Whether to make the value anew, for this call and those to come. Default false. */
  readonly refresh?: boolean | (() => boolean);
  /**
   * How long a process that makes a value may be silent until others take over, in milliseconds. More than code ever
   * blocks the event loop. Default 30,000.
   */
  readonly leaseMs?: number;
};

/** How results are kept for later attempts of the same run. */
export type PersistOptions = StoreOptions & {
  /** Which calls of a task are the same in another attempt of the run. Default: `byInputs()`. */
  readonly key?: CachePolicy;
};

/** What `flow` and `task` take to keep results. */
export type PersistOption = boolean | PersistOptions;
export type CacheOption = boolean | CacheOptions;
