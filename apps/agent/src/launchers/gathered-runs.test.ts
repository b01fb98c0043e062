import { setImmediate as nextTurn } from "node:timers/promises";
import type { RunMessage, RunsMessage } from "@downbeat/sdk/protocol";
import { expect, test } from "vitest";
import { GatheredRuns } from "./gathered-runs.ts";

const aRun = (runId: string) => ({ runId }) as RunMessage;

test("runs of one turn go in one message, in order, and at once when something must follow them", async () => {
  const sent: string[][] = [];
  const send = ({ runs }: RunsMessage) => sent.push(runs.map(({ runId }) => runId));
  const gathered = new GatheredRuns(send);
  gathered.add(aRun("a"));
  gathered.add(aRun("b"));
  expect(sent).toEqual([]);
  await nextTurn();
  expect(sent).toEqual([["a", "b"]]);
  gathered.add(aRun("c"));
  gathered.flush();
  gathered.add(aRun("d"));
  await nextTurn();
  gathered.flush();
  expect(sent).toEqual([["a", "b"], ["c"], ["d"]]);
});
