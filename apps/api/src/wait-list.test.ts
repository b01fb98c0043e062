import { describe, expect, it } from "vitest";
import { Happening } from "./happening.ts";
import { WaitList } from "./wait-list.ts";

const inAMinute = (ending = new Happening()) => ({ untilMs: performance.now() + 60_000, ending });

describe("WaitList", () => {
  it("wakes those who waited longest first, and leaves the rest waiting", async () => {
    const list = new WaitList<string>();
    const waits = [1, 2, 3].map(() => list.begin("pool", inAMinute()));
    expect(list.wake("pool", "news", 2)).toBe(2);
    expect(await waits[0]?.ended).toEqual({ kind: "woken", token: "news" });
    expect(await waits[1]?.ended).toEqual({ kind: "woken", token: "news" });
    expect(list.count("pool")).toBe(1);
    waits[2]?.cancel();
    expect(list.keys).toEqual([]);
  });

  it("names the first of those who stand, and wakes that one alone", async () => {
    const list = new WaitList<string, string>();
    const waits = [1, 2, 3].map(() => list.begin("pool", inAMinute()));
    expect(list.firstStanding("pool")).toBeUndefined();
    waits[2]?.stand("third");
    waits[1]?.stand("second");
    const first = list.firstStanding("pool");
    expect(first?.ready).toBe("second");
    first?.wake("news");
    expect(await waits[1]?.ended).toEqual({ kind: "woken", token: "news" });
    expect(list.firstStanding("pool")?.ready).toBe("third");
    waits[2]?.cancel();
    waits[1]?.stand("over");
    expect(list.firstStanding("pool")).toBeUndefined();
    expect(list.count("pool")).toBe(1);
  });

  it("ends by time, by hang-up and by closing", async () => {
    const list = new WaitList();
    const hangUp = new Happening();
    const elapsed = list.begin("a", { ...inAMinute(), untilMs: performance.now() });
    const aborted = list.begin("a", inAMinute(hangUp));
    const closed = list.begin("b", inAMinute());
    hangUp.happen();
    expect(await aborted.ended).toEqual({ kind: "aborted" });
    expect(await elapsed.ended).toEqual({ kind: "elapsed" });
    list.close();
    expect(await closed.ended).toEqual({ kind: "aborted" });
    expect(await list.begin("b", inAMinute()).ended).toEqual({ kind: "aborted" });
    expect(await list.begin("b", inAMinute(hangUp)).ended).toEqual({ kind: "aborted" });
    expect(list.keys).toEqual([]);
  });
});
