import { describe, expect, it } from "vitest";
import { Happening } from "../happening.ts";
import { ClaimDesk } from "./claim-desk.ts";

const inAMinute = (ending = new Happening()) => ({ untilMs: performance.now() + 60_000, ending });

describe("ClaimDesk", () => {
  it("wakes one waiter for one run", async () => {
    const desk = new ClaimDesk();
    const [first, second] = [1, 2].map(() => desk.beginWait("pool", inAMinute()));
    desk.announce("pool", 1);
    expect(await first?.ended).toMatchObject({ kind: "woken" });
    desk.close();
    second?.cancel();
    expect(await second?.ended).toEqual({ kind: "aborted" });
  });

  it("passes news on until everybody who waited has looked, and then stops", async () => {
    const desk = new ClaimDesk();
    let looks = 0;
    const look = async (stop: Happening): Promise<void> => {
      for (;;) {
        const end = await desk.beginWait("pool", inAMinute(stop)).ended;
        if (end.kind !== "woken") return;
        looks += 1;
        desk.passOn("pool", end.token.baton);
      }
    };
    const stops = [new Happening(), new Happening(), new Happening()];
    const waiters = stops.map(look);
    desk.announce("pool", 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(looks).toBe(3);
    for (const stop of stops) stop.happen();
    await Promise.all(waiters);
  });

  it("wakes one waiter before the work is committed, and another for each run beyond that", async () => {
    const told: string[] = [];
    const desk = new ClaimDesk((text, count) => told.push(`${text} ${count}`));
    const behind = () => Promise.reject(new Error("not called here"));
    expect(desk.announceAhead("pool", behind)).toBe(false);
    const waits = [1, 2, 3].map(() => desk.beginWait("pool", inAMinute()));
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

  it("gives a run that is being made to a claim that has looked, and to one only", async () => {
    const desk = new ClaimDesk();
    const [looking, standing] = [1, 2].map(() => desk.beginWait("pool", inAMinute()));
    const claim = { sessionId: "s", principalId: "p", claimRequestId: "c", max: 1 };
    standing?.stand(claim);
    const given = Promise.resolve({ leases: [], deployments: [], sequences: [] });
    const first = desk.firstStanding("pool");
    expect(first?.claim).toEqual(claim);
    first?.give(given);
    expect(await standing?.ended).toEqual({
      kind: "woken",
      token: { baton: { tries: 1 }, given },
    });
    expect(desk.firstStanding("pool")).toBeUndefined();
    desk.passOn("pool", { tries: 1 });
    expect(await looking?.ended).toMatchObject({ kind: "woken" });
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
    expect(first.ending.hasHappened).toBe(true);
    expect(again.ending.hasHappened).toBe(false);
    expect(desk.isRepeated(first)).toBe(true);
    const other = desk.open("session", "another request");
    expect(desk.isRepeated(first)).toBe(false);
    desk.endHold("session");
    expect(other.ending.hasHappened).toBe(true);
  });

  it("answers open claims on closing and holds no later one", () => {
    const desk = new ClaimDesk();
    const open = desk.open("a", "1");
    desk.close();
    expect(open.ending.hasHappened).toBe(true);
    expect(desk.open("b", "2").ending.hasHappened).toBe(true);
  });
});
