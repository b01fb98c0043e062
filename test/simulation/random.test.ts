import { describe, expect, it } from "vitest";
import { Random } from "./random.ts";

describe("Random", () => {
  it("depends on its seed alone", () => {
    const draw = (seed: number) => {
      const random = new Random(seed);
      return [random.unit(), random.between(1, 6), random.uuid(), random.hex(7)];
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it("reaches both ends of a range, evenly", () => {
    const random = new Random(3);
    const counts = [0, 0, 0];
    for (let at = 0; at < 3000; at += 1) {
      const drawn = random.between(0, 2);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
