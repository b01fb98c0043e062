import type { FinalState } from "./final-state.ts";
import type { HistoryEntry } from "./history-log.ts";

/** How long things may take before they count as broken, in milliseconds. */
export type HistoryWindows = {
  readonly leaseMs: number;
  readonly reconnectWindowMs: number;
  /** Longest between a deadline and the sweep that acts on it, with delays of the network on top. */
  readonly slackMs: number;
};

/** Everything an invariant looks at. */
export type Evidence = {
  readonly entries: readonly HistoryEntry[];
  readonly state: FinalState;
  readonly windows: HistoryWindows;
};

/** Says what is wrong, one sentence for each offence. */
export type Invariant = (evidence: Evidence) => string[];
