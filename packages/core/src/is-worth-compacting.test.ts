import { expect, it } from "vitest";
import { isWorthCompacting } from "./is-worth-compacting.ts";

const busy = { live: 300, dead: 9999, deadBefore: 5000, heldBackSeconds: 0 };

it.each([
  ["under load, once ten thousand rows are dead", { ...busy, dead: 10_000 }, true],
  ["under load, not before", busy, false],
  ["under little load, a thousand are enough", { ...busy, dead: 1000, deadBefore: 900 }, true],
  [
    "and while vacuum is held back",
    { ...busy, dead: 1000, deadBefore: 0, heldBackSeconds: 20 },
    true,
  ],
  ["while nothing dies, fifty are", { ...busy, live: 0, dead: 50, deadBefore: 50 }, true],
  ["and not fewer", { ...busy, live: 0, dead: 49, deadBefore: 49 }, false],
  ["a fifth of all rows may be dead", { ...busy, live: 2000, dead: 500, deadBefore: 500 }, false],
  ["and not more", { ...busy, live: 2000, dead: 501, deadBefore: 501 }, true],
  ["many live rows are left to vacuum", { ...busy, live: 5001, dead: 90_000 }, false],
  ["but for what it cannot take", { ...busy, live: 5001, dead: 90_000, heldBackSeconds: 20 }, true],
  [
    "more than anyone should wait for are not copied",
    { ...busy, live: 20_001, dead: 90_000, heldBackSeconds: 999 },
    false,
  ],
])("%s", (_, table, expected) => {
  expect(isWorthCompacting(table)).toBe(expected);
});
