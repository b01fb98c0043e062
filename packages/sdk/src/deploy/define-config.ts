/** What a project says about its deployments, in `downbeat.config.ts`. `downbeat deploy` reads it and refuses unknown keys. */
export type DownbeatConfig = {
  /** Files or globs that hold flows, relative to the project. Default `flows/**\/*.{ts,mts,js,mjs}`. */
  readonly paths?: readonly string[];
  /**
   * By `"flow"` (its deployment `default`) or `"flow/deployment"`. A flow that is named here has these deployments; one that
   * is not has its deployment `default`.
   */
  readonly deployments?: Readonly<Record<string, DeploymentConfig>>;
  /** Named limits, made or changed before anything is deployed. */
  readonly limits?: Readonly<Record<string, LimitConfig>>;
};

/** One deployment, as {@link DownbeatConfig} names it: where its runs go, and what they begin with. */
export type DeploymentConfig = {
  /** Work pool whose agents run it. Default `default`. */
  readonly pool?: string;
  /** Work queue in the pool. Default `default`. */
  readonly queue?: string;
  /** Static labels, in clear. */
  readonly tags?: readonly string[];
  /** Default parameters; JSON values, checked against the flow's schema and sealed. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** New attempts after a bad end, and how long to wait for them. Default: none. */
  readonly retry?: {
    /** After the process or its agent died. Default 0. */
    readonly retriesOnCrash?: number;
    /** After the flow failed. Default 0. */
    readonly retriesOnFailure?: number;
    /** Before the first new attempt, in seconds. Default 10. */
    readonly delaySeconds?: number;
    /** Longest wait, in seconds. Default 600. */
    readonly maxSeconds?: number;
  };
  /** Longest time of one attempt, in whole seconds; then its process is killed. Default: no limit. */
  readonly timeoutSeconds?: number;
  /**
   * Kills a run before its lease ends when the plane is out of reach, so that no second attempt overlaps it. Default: as the
   * flow says.
   */
  readonly exclusive?: boolean;
  /**
   * Lets callers that cannot seal trigger it with parameters in clear: the hosted plane sees them, and seals them before it
   * writes anything. Not together with a signing key. Default false.
   */
  readonly hostTransit?: boolean;
  /** Most runs at a time, and what becomes of those beyond. Default: no limit. */
  readonly concurrency?: {
    readonly limit: number;
    /** Default `enqueue`. */
    readonly strategy?: "enqueue" | "cancel-new" | "cancel-running";
  };
  /** Named limits of which each run holds a slot. */
  readonly limits?: readonly string[];
  /** Labels that an agent must carry to take its runs. */
  readonly requiredLabels?: readonly string[];
};

/** A named limit: how many runs and task runs may hold a slot of it. */
export type LimitConfig = {
  /** How many may hold it at a time. */
  readonly slots: number;
  /** How often slots may be taken: on average, and at once after a rest. */
  readonly rate?: { readonly perSecond: number; readonly burst: number };
  /** Tasks that carry this tag take a slot too. */
  readonly tag?: string;
};

/**
 * Types a project's configuration; it returns what it is given.
 *
 * @example
 * export default defineConfig({
 *   limits: { warehouse: { slots: 4 } },
 *   deployments: {
 *     "weather-report": { tags: ["nightly"], parameters: { year: 2014 }, limits: ["warehouse"] },
 *     "weather-report/europe": { pool: "eu", parameters: { year: 2015 } },
 *   },
 * });
 */
export function defineConfig(config: DownbeatConfig): DownbeatConfig {
  return config;
}
