/** A seeded source of the faults: the same seed plans the same ones. */
export type Random = {
  /** In [0, 1). */
  readonly next: () => number;
  /** In [low, high). */
  readonly between: (low: number, high: number) => number;
  readonly pick: <T>(items: readonly [T, ...T[]]) => T;
  /** A source of its own, so that one part's draws do not move another's. */
  readonly fork: (label: string) => Random;
};

/** Mulberry32: small, fast, and good enough to plan faults with. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (low, high) => low + next() * (high - low),
    pick: (items) => items[Math.floor(next() * items.length)] ?? items[0],
    fork: (label) => seededRandom(hash(seed, label)),
  };
}

// FNV-1a
function hash(seed: number, label: string): number {
  let value = (0x811c9dc5 ^ seed) >>> 0;
  for (const character of label)
    value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return value;
}
