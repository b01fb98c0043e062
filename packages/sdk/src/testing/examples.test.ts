import { expect, test } from "vitest";
import { z } from "zod";
import { exponential, flow, suspend, task } from "../index.ts";
import { testFlow, withVirtualTime } from "./index.ts";

// The code blocks of docs/testing.md stand here, so that they compile and run. `docs.test.ts` holds the two together.

const rowsOnLoad = [undefined, undefined, [2, 3]];
const load = task(
  { name: "load", retries: 3, retryDelay: exponential({ firstMs: 1_800_000, maxMs: 3_600_000 }) },
  async (_day: string) => {
    const rows = rowsOnLoad.shift();
    if (rows === undefined) throw new Error("not there yet");
    return rows;
  },
);
const sum = task({ name: "sum" }, async (rows: number[]) => rows.reduce((a, b) => a + b, 0));
const daily = flow({ name: "daily", parameters: z.object({ day: z.string() }) }, async ({ day }) =>
  sum(await load(day)),
);

// #region test-flow
test("the day is summed although its file comes late", async () => {
  const run = await testFlow(() => daily({ day: "2014-07-01" }));

  expect(run.state.name).toBe("Completed");
  expect(run.result).toBe(5);
  expect(run.taskRuns.map(({ taskName, attempts }) => [taskName, attempts])).toEqual([
    ["load", 3],
    ["sum", 1],
  ]);
  expect(run.elapsedMs).toBe(1_800_000 + 3_600_000);
});
// #endregion

const payOut = flow({ name: "pay-out" }, async () => {
  const { approved } = await suspend({
    key: "approval",
    input: z.object({ approved: z.boolean() }),
  });
  return approved ? "paid" : "kept";
});

// #region inputs
test("nothing is paid without approval", async () => {
  const waiting = await testFlow(() => payOut());
  expect([waiting.state.name, waiting.waitingAt]).toEqual(["Suspended", "approval"]);

  const refused = await testFlow(() => payOut(), { inputs: { approval: { approved: false } } });
  expect(refused.result).toBe("kept");
});
// #endregion

const stubborn = flow({ name: "stubborn" }, () =>
  task({ name: "upload", retries: 9, retryDelay: 60_000 }, async () => {
    throw new Error("no space left");
  })(),
);

// #region cancel
test("a run that is cancelled between two attempts makes no other", async () => {
  const run = await testFlow(() => stubborn(), {
    cancelWhen: (event) => event.kind === "task_run" && event.state.name === "AwaitingRetry",
  });
  expect(run.state.name).toBe("Cancelled");
  expect(run.taskRunsOf("upload")[0]?.attempts).toBe(1);
});
// #endregion

let refusals = 1;
const fetchRate = task({ name: "fetch-rate", retries: 1, retryDelay: 3_600_000 }, async () => {
  if (refusals-- > 0) throw new Error("too many requests");
  return 1.1;
});

// #region task-alone
test("a refused request is made again an hour later", async () => {
  expect(await withVirtualTime(() => fetchRate())).toBe(1.1);
});
// #endregion
