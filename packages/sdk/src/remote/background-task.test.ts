import { expect, onTestFinished, test } from "vitest";
import { flowDefinitionOf } from "../flow-definition.ts";
import { task } from "../index.ts";
import { makeScratch } from "../results/scratch.fixture.ts";
import { RecordingHost } from "../testing/recording-host.ts";

const add = task({ name: "add", background: true }, async (a: number, b: number) => {
  if (a < 0) throw new TypeError("below zero");
  return a + b;
});
const run = (parameters: unknown, host = new RecordingHost("add")) =>
  flowDefinitionOf(add)?.execute(parameters, host);

test("a background task is a flow of one task, which takes its arguments as a list", async () => {
  const host = new RecordingHost("add");
  expect(await run({ args: [1, 2] }, host)).toEqual({ outcome: "completed" });
  expect(host.trail("add")).toEqual(["Running#1", "Completed#1"]);
  expect(await run({ args: [-1, 2] })).toMatchObject({ error: { class: "TypeError" } });
  expect(await run({ args: 7 })).toMatchObject({ error: { class: "ParameterError" } });
  expect(flowDefinitionOf(add)?.isBackground).toBe(true);
});

test("a kept result of a background task is used again by another attempt of its run", async () => {
  const scratch = makeScratch();
  onTestFinished(scratch.remove);
  const { storage, calls } = scratch;
  const work = task({ name: "add", background: true, persist: { storage } }, async (n: number) =>
    calls.push(n),
  );
  const hosts = [new RecordingHost("add"), new RecordingHost("add")];
  for (const host of hosts)
    expect(await flowDefinitionOf(work)?.execute({ args: [7] }, host)).toMatchObject({
      outcome: "completed",
    });
  expect(calls).toEqual([7]);
  expect(hosts.map((host) => host.trail("add").at(-1))).toEqual(["Completed#1", "Cached#0"]);
});

test("called as before it runs here", async () => {
  expect(await add(1, 2)).toBe(3);
});
