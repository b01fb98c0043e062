/** A table whose rows live for seconds, by the database's statistics. */
export type HotTable = {
  readonly live: number;
  readonly dead: number;
  /** When this was asked last. */
  readonly deadBefore: number;
  /** For how long the oldest transaction has been open, as far as it is known; vacuum can do nothing about what died since. */
  readonly heldBackSeconds: number;
};

/** The more dies meanwhile, the more dead rows a copy must get rid of: nothing dies, some does, a lot does. */
const LEAST_DEAD = [
  { diedAtMost: 0, dead: 50 },
  { diedAtMost: 200, dead: 1000 },
  { diedAtMost: Number.POSITIVE_INFINITY, dead: 10_000 },
];
/** With vacuum held back. Sessions that fall idle tell up to ten seconds late what died, as if it had died since. */
const LEAST_DEAD_HELD_BACK = 1000;
/** Dead rows for each live one that are let be: a fifth of all rows. */
const DEAD_PER_LIVE = 0.25;
/** Copying more rows than that takes longer than anybody should wait; vacuum does better there, unless it is held back. */
const MOST_LIVE = 5000;
const MOST_LIVE_HELD_BACK = 20_000;
const HELD_BACK_SECONDS = 20;

/** Whether the live rows of a hot table are few enough beside its dead ones to be copied into fresh storage now. */
export function isWorthCompacting({ live, dead, deadBefore, heldBackSeconds }: HotTable): boolean {
  const isHeldBack = heldBackSeconds >= HELD_BACK_SECONDS;
  if (live > (isHeldBack ? MOST_LIVE_HELD_BACK : MOST_LIVE) || dead <= live * DEAD_PER_LIVE)
    return false;
  if (isHeldBack && dead >= LEAST_DEAD_HELD_BACK) return true;
  return LEAST_DEAD.some((least) => dead - deadBefore <= least.diedAtMost && dead >= least.dead);
}
