import { once, EventEmitter } from "node:events";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { startLoop } from "./loop.ts";

describe("startLoop", () => {
  it("goes on after a round that failed, and logs it", async () => {
    const lines: string[] = [];
    const log = pino({ level: "error" }, { write: (line: string) => void lines.push(line) });
    const events = new EventEmitter();
    let rounds = 0;
    const round = async (): Promise<void> => {
      rounds += 1;
      if (rounds === 1) throw new Error("the first round failed");
      events.emit("second");
    };
    const second = once(events, "second");
    const loop = startLoop({ name: "test", intervalMs: 1, log, round });
    await second;
    await loop.stop();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('"loop":"test"');
  });

  it("waits for the round under way when stopped, and starts no other", async () => {
    const events = new EventEmitter();
    let rounds = 0;
    let finished = 0;
    const round = async (): Promise<void> => {
      rounds += 1;
      const finish = once(events, "finish");
      events.emit("begun");
      await finish;
      finished += 1;
    };
    const begun = once(events, "begun");
    const loop = startLoop({ name: "test", intervalMs: 1, log: pino({ level: "silent" }), round });
    await begun;
    const stopped = loop.stop();
    events.emit("finish");
    await stopped;
    expect({ rounds, finished }).toEqual({ rounds: 1, finished: 1 });
  });
});
