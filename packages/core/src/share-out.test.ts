import { describe, expect, it } from "vitest";
import { roomsAfter, shareOut, type WaitingLine } from "./share-out.ts";

function aLine(ticket: string, limits: readonly string[] = [], priority = 100): WaitingLine {
  return { priority, ticket, limits };
}

const NO_LIMITS = new Map<string, number>();

describe("shareOut", () => {
  it("gives one line everything", () => {
    expect(shareOut([aLine("a")], NO_LIMITS, 7)).toEqual([7]);
  });

  it("goes by turns among lines of one priority, the lowest ticket first", () => {
    expect(shareOut([aLine("c"), aLine("a"), aLine("b")], NO_LIMITS, 7)).toEqual([2, 3, 2]);
    expect(shareOut([aLine("b"), aLine("a")], NO_LIMITS, 1)).toEqual([0, 1]);
  });

  it("serves a better priority first, whatever the tickets", () => {
    expect(shareOut([aLine("a", [], 2), aLine("b", [], 1)], NO_LIMITS, 5)).toEqual([0, 5]);
  });

  it("gives what a full limit leaves over to the others", () => {
    const lines = [aLine("a", ["db"]), aLine("b")];
    expect(shareOut(lines, new Map([["db", 2]]), 9)).toEqual([2, 7]);
    expect(shareOut(lines, new Map([["db", 0]]), 9)).toEqual([0, 9]);
  });

  it("counts a limit that lines share once for all of them", () => {
    const lines = [aLine("a", ["db", "x"]), aLine("b", ["db"]), aLine("c", ["db"], 1)];
    const shares = shareOut(
      lines,
      new Map([
        ["db", 4],
        ["x", 1],
      ]),
      100,
    );
    expect(shares).toEqual([0, 0, 4]);
    expect(
      shareOut(
        lines.slice(0, 2),
        new Map([
          ["db", 4],
          ["x", 1],
        ]),
        100,
      ),
    ).toEqual([1, 3]);
  });

  it("never exceeds a room or the free places, and leaves no place that a line could have", () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = randomOf(seed);
      const limits = ["p", "q", "r"];
      const lines = Array.from({ length: 1 + random(6) }, (_, index) =>
        aLine(
          `${index}`,
          limits.filter(() => random(2) === 1),
          1 + random(2),
        ),
      );
      const rooms = new Map(limits.map((limit) => [limit, random(5)]));
      const free = random(12);
      const shares = shareOut(lines, rooms, free);
      const left = roomsAfter(
        rooms,
        lines.map((line, index) => ({ line, count: shares[index] ?? 0 })),
      );
      const places = free - shares.reduce((sum, share) => sum + share, 0);
      expect(places, `seed ${seed}`).toBeGreaterThanOrEqual(0);
      for (const room of left.values()) expect(room, `seed ${seed}`).toBeGreaterThanOrEqual(0);
      const couldTake = lines.some((line) =>
        line.limits.every((limit) => (left.get(limit) ?? 1) > 0),
      );
      expect(places > 0 && couldTake, `seed ${seed}`).toBe(false);
    }
  });
});

/** Whole numbers below a bound, the same for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
