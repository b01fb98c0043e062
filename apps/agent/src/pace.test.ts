import { expect, test } from "vitest";
import { Pace } from "./pace.ts";
import { StartGate } from "./start-gate.ts";

test("the pace is what ended within the last second", () => {
  let nowMs = 1_000;
  const pace = new Pace(() => nowMs);
  for (let run = 0; run < 50; run += 1) pace.runEnded();
  nowMs += 500;
  for (let run = 0; run < 30; run += 1) pace.runEnded();
  expect(pace.perSecond()).toBe(80);
  nowMs += 600;
  expect(pace.perSecond()).toBe(30);
  nowMs += 60_000;
  expect(pace.perSecond()).toBe(0);
});

test("nothing is announced ahead behind long runs; short ones by twice the round trip", () => {
  let nowMs = 0;
  const pace = new Pace(() => nowMs);
  for (let time = 0; time < 50; time += 1) pace.announced(20);
  expect(pace.ahead()).toBe(0);
  for (let run = 0; run < 1_000; run += 1) pace.runEnded();
  expect(pace.ahead()).toBe(39);
  for (let time = 0; time < 50; time += 1) pace.announced(60_000);
  expect(pace.ahead()).toBeLessThanOrEqual(500);
  nowMs += 2_000;
  expect(pace.ahead()).toBe(0);
});

test("reports gather the longer the faster runs end, and not at all behind long ones", () => {
  let nowMs = 0;
  const pace = new Pace(() => nowMs);
  expect(pace.gatheringMs()).toBe(0);
  for (let run = 0; run < 100; run += 1) pace.runEnded();
  expect(pace.gatheringMs()).toBe(25);
  for (let run = 0; run < 5_000; run += 1) pace.runEnded();
  expect(pace.gatheringMs()).toBe(100);
  nowMs += 2_000;
  expect(pace.gatheringMs()).toBe(0);
});

test("the gate lets runs in by their order, so many at once, and forgets who gave up", async () => {
  const gate = new StartGate({ concurrency: 1, ahead: () => 0 });
  const entered: string[] = [];
  const enter = async (name: string, run = {}) => {
    if (await gate.enter(run)) entered.push(name);
    else entered.push(`${name} gave up`);
  };
  const impatient = {};
  const all = [enter("first"), enter("second", impatient), enter("third")];
  await all[0];
  expect(entered).toEqual(["first"]);
  gate.giveUp(impatient);
  await all[1];
  gate.leave();
  await all[2];
  expect(entered).toEqual(["first", "second gave up", "third"]);
  expect(gate.inside).toBe(1);
  gate.giveUp(impatient);
  expect(gate.inside).toBe(1);
});
