import type { LogLine } from "@downbeat/contract";
import { expect, test, vi } from "vitest";
import { LogBuffer } from "./log-buffer.ts";

const AT = "2026-01-02T03:04:05.000Z";

function aBuffer() {
  const chunks: (readonly LogLine[])[] = [];
  const leftOut: number[] = [];
  const state = { isFull: false };
  const buffer = new LogBuffer({
    onChunk: (lines) => chunks.push(lines),
    onLeftOut: (lines) => leftOut.push(lines),
    isHeldBack: () => state.isFull,
    now: () => new Date(AT),
  });
  const say = (text: string, fields?: Record<string, unknown>) =>
    buffer.add({
      at: AT,
      level: "info",
      logger: "f",
      text,
      ...(fields !== undefined && { fields }),
    });
  return { buffer, chunks, leftOut, state, say };
}

test("a chunk goes when it is large, when its time is up, or at the end", () => {
  vi.useFakeTimers();
  try {
    const { buffer, chunks, say } = aBuffer();
    for (let line = 0; line < 5; line += 1) say("x".repeat(20_000));
    expect(chunks.map((lines) => lines.length)).toEqual([4]);
    vi.advanceTimersByTime(250);
    expect(chunks.map((lines) => lines.length)).toEqual([4, 1]);
    say("last");
    buffer.close();
    vi.advanceTimersByTime(1_000);
    expect(chunks.map((lines) => lines.length)).toEqual([4, 1, 1]);
  } finally {
    vi.useRealTimers();
  }
});

test("held-back lines are counted, and the count is told once there is room", () => {
  const { buffer, chunks, leftOut, state, say } = aBuffer();
  state.isFull = true;
  for (let line = 0; line < 7; line += 1) say("lost");
  state.isFull = false;
  say("kept");
  buffer.close();
  expect(chunks.flat().map(({ text }) => text)).toEqual([
    expect.stringMatching(/^7 log lines are missing/),
    "kept",
  ]);
  expect(leftOut).toEqual([7]);
});

test("the count is told at the end even while there is no room", () => {
  const { buffer, chunks, state, say } = aBuffer();
  state.isFull = true;
  say("lost");
  buffer.close();
  expect(chunks.flat()).toMatchObject([
    { level: "warn", text: expect.stringMatching(/^1 log lines/) },
  ]);
});

test("what would not fit into a chunk or into JSON is shortened or shown as text", () => {
  const { buffer, chunks, say } = aBuffer();
  const cyclic: Record<string, unknown> = { big: 1n };
  cyclic["self"] = cyclic;
  say("x".repeat(100_000));
  say("odd", cyclic);
  buffer.close();
  const [long, odd] = chunks.flat();
  expect(long?.text).toMatch(/… \(67232 more characters\)$/);
  expect(odd?.fields).toEqual({ shown: expect.stringContaining("Circular") });
  expect(() => JSON.stringify(chunks)).not.toThrow();
});
