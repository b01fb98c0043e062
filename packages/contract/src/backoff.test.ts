import { expect, it } from "vitest";
import { fullJitterMs } from "./backoff.ts";

const BACKOFF = { firstMs: 200, maxMs: 1_000 };

it("doubles with each failure up to the longest, however many there were", () => {
  const longest = [0, 1, 2, 3, 10_000].map((failures) => fullJitterMs(BACKOFF, failures, () => 1));
  expect(longest).toEqual([200, 400, 800, 1_000, 1_000]);
});

it("lies anywhere between nothing and that", () => {
  expect([0, 0.5].map((chance) => fullJitterMs(BACKOFF, 1, () => chance))).toEqual([0, 200]);
});
