import { describe, expect, it } from "vitest";
import { ClaimDesk } from "./claim-desk.ts";

const NEVER = new AbortController().signal;
const MINUTE_MS = 60_000;

describe("ClaimDesk", () => {
  it("wakes one waiter for one run", async () => {
    const desk = new ClaimDesk();
    const [first, second] = [1, 2].map(() => desk.beginWait("pool", MINUTE_MS, NEVER));
    desk.announce("pool", 1);
    expect(await first?.ended).toMatchObject({ kind: "woken" });
    desk.close();
    second?.cancel();
    expect(await second?.ended).toEqual({ kind: "aborted" });
  });

  it("passes news on until everybody who waited has looked, and then stops", async () => {
    const desk = new ClaimDesk();
    let looks = 0;
    const look = async (): Promise<void> => {
      for (;;) {
        const end = await desk.beginWait("pool", MINUTE_MS, stop.signal).ended;
        if (end.kind !== "woken") return;
        looks += 1;
        desk.passOn("pool", end.token.baton);
      }
    };
    const stop = new AbortController();
    const waiters = [look(), look(), look()];
    desk.announce("pool", 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(looks).toBe(3);
    stop.abort();
    await Promise.all(waiters);
  });

  it("wakes one waiter before the work is committed, and another for each run beyond that", async () => {
    const told: string[] = [];
    const desk = new ClaimDesk((text, count) => told.push(`${text} ${count}`));
    const behind = () => Promise.reject(new Error("not called here"));
    expect(desk.announceAhead("pool", behind)).toBe(false);
    const waits = [1, 2, 3].map(() => desk.beginWait("pool", MINUTE_MS, NEVER));
    expect(desk.announceAhead("pool", behind)).toBe(true);
    expect(await waits[0]?.ended).toEqual({
      kind: "woken",
      token: { baton: { tries: 2 }, behind },
    });
    const news = desk.newsOf("pool");
    desk.announce("pool", 0); // the one run it was woken for
    expect(desk.newsOf("pool")).toBe(news + 1);
    desk.passOn("pool", { tries: 2 });
    expect(await waits[1]?.ended).toEqual({ kind: "woken", token: { baton: { tries: 1 } } });
    desk.announce("pool", 1);
    expect(await waits[2]?.ended).toMatchObject({ kind: "woken" });
    expect(told).toEqual([]);
  });

  it("lets a session that found nothing due look again only after news of its pool", () => {
    const desk = new ClaimDesk();
    expect(desk.isIdle("session", "pool")).toBe(false);
    const news = desk.newsOf("pool");
    desk.noteIdle("session", news);
    expect(desk.isIdle("session", "pool")).toBe(true);
    expect(desk.isIdle("other", "pool")).toBe(false);
    desk.announce("elsewhere", 1);
    expect(desk.isIdle("session", "pool")).toBe(true);
    desk.announce("pool", 1);
    expect(desk.isIdle("session", "pool")).toBe(false);
    desk.noteIdle("session", news); // the look had begun before the news came
    expect(desk.isIdle("session", "pool")).toBe(false);
    desk.noteIdle("session", desk.newsOf("pool"));
    desk.endHold("session");
    expect(desk.isIdle("session", "pool")).toBe(false);
  });

  it("ends the first claim of a session when a second is opened, and knows a repeated one", () => {
    const desk = new ClaimDesk();
    const first = desk.open("session", "request");
    const again = desk.open("session", "request");
    expect(first.signal.aborted).toBe(true);
    expect(again.signal.aborted).toBe(false);
    expect(desk.isRepeated(first)).toBe(true);
    const other = desk.open("session", "another request");
    expect(desk.isRepeated(first)).toBe(false);
    desk.endHold("session");
    expect(other.signal.aborted).toBe(true);
  });

  it("answers open claims on closing and holds no later one", () => {
    const desk = new ClaimDesk();
    const open = desk.open("a", "1");
    desk.close();
    expect(open.signal.aborted).toBe(true);
    expect(desk.open("b", "2").signal.aborted).toBe(true);
  });
});
