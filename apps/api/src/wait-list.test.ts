import { describe, expect, it } from "vitest";
import { WaitList } from "./wait-list.ts";

const NEVER = new AbortController().signal;
const MINUTE_MS = 60_000;

describe("WaitList", () => {
  it("wakes those who waited longest first, and leaves the rest waiting", async () => {
    const list = new WaitList<string>();
    const waits = [1, 2, 3].map(() => list.begin("pool", { waitMs: MINUTE_MS, signal: NEVER }));
    expect(list.wake("pool", "news", 2)).toBe(2);
    expect(await waits[0]?.ended).toEqual({ kind: "woken", token: "news" });
    expect(await waits[1]?.ended).toEqual({ kind: "woken", token: "news" });
    expect(list.count("pool")).toBe(1);
    waits[2]?.cancel();
    expect(list.keys).toEqual([]);
  });

  it("ends by time, by hang-up and by closing", async () => {
    const list = new WaitList();
    const hangUp = new AbortController();
    const elapsed = list.begin("a", { waitMs: 0, signal: NEVER });
    const aborted = list.begin("a", { waitMs: MINUTE_MS, signal: hangUp.signal });
    const closed = list.begin("b", { waitMs: MINUTE_MS, signal: NEVER });
    hangUp.abort();
    expect(await aborted.ended).toEqual({ kind: "aborted" });
    expect(await elapsed.ended).toEqual({ kind: "elapsed" });
    list.close();
    expect(await closed.ended).toEqual({ kind: "aborted" });
    expect(await list.begin("b", { waitMs: MINUTE_MS, signal: NEVER }).ended).toEqual({
      kind: "aborted",
    });
    expect(list.keys).toEqual([]);
  });
});
