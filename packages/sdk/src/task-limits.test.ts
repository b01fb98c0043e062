import { expect, test } from "vitest";
import { FLOW } from "./flow-definition.ts";
import { flow } from "./flow.ts";
import type { RunHost, SlotRequest } from "./run-host.ts";
import { task } from "./task.ts";
import { RecordingHost } from "./testing/recording-host.ts";

/** Runs a flow under a host whose limits have these tags; what its tasks asked for. */
async function askedBy(body: () => Promise<unknown>, limitedTags?: readonly string[]) {
  const recording = new RecordingHost("limited");
  const asked: Omit<SlotRequest, "taskRunId">[] = [];
  const host: RunHost = {
    run: recording.run,
    signal: recording.signal,
    event: (event) => recording.event(event),
    ...(limitedTags !== undefined && { limitedTags }),
    acquireSlots: async ({ limitNames, tags }) => {
      asked.push({ limitNames, tags });
      return () => {};
    },
  };
  expect(await flow({ name: "limited" }, body)[FLOW].execute({}, host)).toEqual({
    outcome: "completed",
  });
  return { asked, trail: recording.trail("query") };
}

const tagged = task({ name: "query", tags: ["db", "nightly", "db"] }, async () => 1);

test("an attempt asks for slots of its limits and of those of its tags that limits have", async () => {
  const both = tagged.with({ limits: ["mail"] });
  expect(await askedBy(both, ["db", "other"])).toEqual({
    asked: [{ limitNames: ["mail"], tags: ["db"] }],
    trail: ["AwaitingConcurrencySlot#1", "Running#1", "Completed#1"],
  });
});

test("a task whose tags no limit has asks for nothing and waits for nobody", async () => {
  for (const limitedTags of [undefined, [], ["other"]])
    expect(await askedBy(tagged, limitedTags)).toEqual({
      asked: [],
      trail: ["Running#1", "Completed#1"],
    });
});

test.each([
  [{ limits: ["a/b"] }, '"a/b" cannot name a limit'],
  [{ limits: Array.from({ length: 17 }, (_, n) => `l${n}`) }, "names 17 limits; 16 is the most"],
  [{ tags: [""] }, '"" cannot be a tag'],
  [{ tags: ["x".repeat(65)] }, "is not 1 to 64 characters long"],
  [{ tags: ["a\0b"] }, '"a\\u0000b" cannot be a tag; it holds the character U+0000'],
  [{ tags: [5 as never] }, "5 cannot be a tag; it is not text"],
  [{ tags: Array.from({ length: 33 }, (_, n) => `t${n}`) }, "has 33 tags; 32 is the most"],
])("what cannot be limits or tags is refused when the task is defined", (options, words) => {
  expect(() => task({ name: "bad", ...options }, async () => 1)).toThrow(words);
});
