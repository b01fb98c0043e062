import { describe, expect, it } from "vitest";
import { Random } from "./random.ts";
import { Timeline } from "./timeline.ts";

describe("Timeline", () => {
  it("acts in order of time, and of planning within one instant", () => {
    const timeline = new Timeline();
    const random = new Random(1);
    const acted: [number, number][] = [];
    for (let order = 0; order < 500; order += 1)
      timeline.after(random.between(0, 50), () => acted.push([timeline.nowMs, order]));
    timeline.runUntil(100);
    expect(acted).toHaveLength(500);
    expect(acted).toEqual(acted.toSorted(([a, one], [b, other]) => a - b || one - other));
    expect(timeline.nowMs).toBe(100);
  });

  it("leaves out what was taken back, and stops when told", () => {
    const timeline = new Timeline();
    const acted: string[] = [];
    timeline.after(1, () => acted.push("taken back"))();
    timeline.after(2, () => acted.push("first"));
    timeline.after(3, () => acted.push("after the end"));
    timeline.runUntil(10, () => acted.length > 0);
    expect(acted).toEqual(["first"]);
    expect(timeline.nowMs).toBe(2);
  });
});
