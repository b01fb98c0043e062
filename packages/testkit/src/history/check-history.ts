import type { FinalState } from "./final-state.ts";
import type { HistoryEntry } from "./history-log.ts";
import { grantInvariants } from "./grant-invariants.ts";
import type { HistoryWindows, Invariant } from "./invariant.ts";
import { lapseInvariants } from "./lapse-invariants.ts";
import { leaseInvariants } from "./lease-invariants.ts";
import { pauseInvariants } from "./pause-invariants.ts";
import { queueInvariants } from "./queue-invariants.ts";
import { runInvariants } from "./run-invariants.ts";

/** A broken invariant and how it shows. */
export type Violation = { readonly invariant: InvariantName; readonly message: string };

export const INVARIANTS = {
  ...runInvariants,
  ...leaseInvariants,
  ...grantInvariants,
  ...lapseInvariants,
  ...pauseInvariants,
  ...queueInvariants,
} satisfies Record<string, Invariant>;

export type InvariantName = keyof typeof INVARIANTS;

const DEFAULT_WINDOWS: HistoryWindows = {
  leaseMs: 45_000,
  reconnectWindowMs: 300_000,
  slackMs: 30_000,
};

/**
 * Checks what clients and agents were told against what the plane holds in the end. Offline: call it after everything
 * has come to rest.
 *
 * @param entries of a {@link HistoryLog}
 * @param windows default: the default intervals, and half a minute of slack
 * @returns every offence; none when all invariants hold
 */
export function checkHistory(
  entries: readonly HistoryEntry[],
  state: FinalState,
  windows: Partial<HistoryWindows> = {},
): Violation[] {
  const evidence = { entries, state, windows: { ...DEFAULT_WINDOWS, ...windows } };
  return Object.entries(INVARIANTS).flatMap(([name, check]) =>
    check(evidence).map((message) => ({ invariant: name as InvariantName, message })),
  );
}
