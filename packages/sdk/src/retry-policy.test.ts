import { expect, test } from "vitest";
import { exponential, retryDelayMs } from "./retry-policy.ts";

const half = () => 0.5;

test("a number is the wait before every retry", () => {
  expect([1, 2, 9].map((attempt) => retryDelayMs({ retryDelay: 250 }, attempt, half))).toEqual([
    250, 250, 250,
  ]);
});

test("a list is used in order and its last entry repeats", () => {
  const delays = [1, 2, 3, 4].map((attempt) =>
    retryDelayMs({ retryDelay: [10, 20, 30] }, attempt, half),
  );
  expect(delays).toEqual([10, 20, 30, 30]);
});

test("a function is asked with the attempt that failed, and a bad answer is refused", () => {
  expect(retryDelayMs({ retryDelay: (attempt) => attempt * 7 }, 3, half)).toBe(21);
  expect(() => retryDelayMs({ retryDelay: () => -5 }, 1, half)).toThrow(
    "the result of retryDelay is -5",
  );
});

test("exponential delays grow to the cap; jitter moves them by its share and never above the cap", () => {
  const retryDelay = exponential({ firstMs: 200, factor: 2, maxMs: 1_000, jitter: 0.2 });
  const delays = (random: number) =>
    [1, 2, 3, 4].map((attempt) => retryDelayMs({ retryDelay }, attempt, () => random));
  expect(delays(0.5)).toEqual([200, 400, 800, 1_000]);
  expect(delays(0)).toEqual([160, 320, 640, 800]);
  expect(delays(1)).toEqual([240, 480, 960, 1_000]);
});

test("an attempt beyond the range of numbers still waits no longer than the cap", () => {
  expect(retryDelayMs({ retryDelay: exponential({ maxMs: 500, jitter: 0 }) }, 5_000, half)).toBe(
    500,
  );
});
