import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ShownBuffer, type ShownEvent } from "./shown-buffer.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function aBuffer() {
  const batches: (readonly ShownEvent[])[] = [];
  const told: string[] = [];
  const state = { isFull: false };
  const buffer = new ShownBuffer({
    onBatch: (events) => batches.push(events),
    isHeldBack: () => state.isFull,
    tell: (text) => told.push(text),
  });
  const count = (name: string, value: number) => buffer.add({ kind: "metric", name, value });
  return { buffer, batches, told, state, count };
}

const note = (text: string): ShownEvent => ({
  kind: "artifact",
  at: "2026-01-02T03:04:05.000Z",
  key: "note",
  content: { type: "markdown", text },
});

test("of each thing the newest version goes, four times a second at most, whatever user code sends", () => {
  const { batches, count } = aBuffer();
  for (let ms = 0; ms < 1_000; ms += 10) {
    for (let value = 0; value < 100; value += 1) count("rows", ms + value);
    vi.advanceTimersByTime(10);
  }
  expect(batches.map((batch) => batch.length)).toEqual([1, 1, 1, 1]);
  expect(batches[3]).toEqual([{ kind: "metric", name: "rows", value: 1_089 }]);
});

test("while the outbox is full newer versions take the place of older ones; the end waits for nothing", () => {
  const { buffer, batches, count, state } = aBuffer();
  state.isFull = true;
  count("rows", 1);
  vi.advanceTimersByTime(60_000);
  count("rows", 2);
  expect(batches).toEqual([]);
  state.isFull = false;
  vi.advanceTimersByTime(250);
  expect(batches).toEqual([[{ kind: "metric", name: "rows", value: 2 }]]);
  state.isFull = true;
  count("rows", 3);
  buffer.close();
  expect(batches[1]).toMatchObject([{ value: 3 }]);
  expect(vi.getTimerCount()).toBe(0);
});

test("what is too large, or too much, is left out and said to be", () => {
  const { buffer, batches, told, count } = aBuffer();
  buffer.add(note("x".repeat(600_000)));
  for (let at = 0; at <= 2_000; at += 1) count(`rows-${at}`, at);
  buffer.close();
  expect(batches[0]).toHaveLength(2_000);
  expect(told).toEqual([
    "An artifact of 600104 bytes is left out.",
    "Too many artifacts and metrics; one is left out.",
  ]);
});
