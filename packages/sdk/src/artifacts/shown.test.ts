import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ShownEvent } from "../run-host.ts";
import { Shown } from "./shown.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function aShown() {
  const events: ShownEvent[] = [];
  const told: string[] = [];
  const shown = new Shown({
    emit: (event) => events.push(event),
    onTooMany: (text) => told.push(text),
  });
  const show = (name: string, value: number, atMs = Date.now()) =>
    shown.show({ kind: "metric", name, value }, atMs);
  const values = () => events.map((event) => event.kind === "metric" && event.value);
  return { shown, show, values, told };
}

test("the first version goes at once, then the newest of each second, then the last", () => {
  const { shown, show, values } = aShown();
  for (let value = 0; value < 100_000; value += 1) show("rows", value, Math.floor(value / 20));
  // 100,000 calls in five seconds that never yield: the clock alone decides.
  expect(values()).toEqual([0, 20_000, 40_000, 60_000, 80_000]);
  shown.flush();
  expect(values().at(-1)).toBe(99_999);
  shown.flush();
  expect(values()).toHaveLength(6);
});

test("what waits goes by itself, and the next one keeps its distance to it", () => {
  const { show, values } = aShown();
  show("rows", 1);
  vi.advanceTimersByTime(100);
  show("rows", 2);
  vi.advanceTimersByTime(800);
  show("rows", 3);
  expect(values()).toEqual([1]);
  vi.advanceTimersByTime(200);
  expect(values()).toEqual([1, 3]);
  show("rows", 4);
  expect(values()).toEqual([1, 3]);
  vi.advanceTimersByTime(1_000);
  expect(values()).toEqual([1, 3, 4]);
});

test("different things do not hold each other up, and there is an end to them", () => {
  const { show, values, told } = aShown();
  for (let at = 0; at < 1_500; at += 1) show(`rows-${at}`, at);
  expect(values()).toHaveLength(1_000);
  expect(told).toEqual(["this run has 1000 metrics already; further ones are left out"]);
  show("rows-7", 8, Date.now() + 2_000);
  expect(values().at(-1)).toBe(8);
});
