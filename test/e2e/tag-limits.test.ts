import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run, RunDetail } from "@downbeat/contract";
import { waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Plane } from "./plane.ts";

const FLOW = `
import { appendFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { flow, task } from "@downbeat/sdk";
let open = 0;
const query = task({ name: "query", tags: ["warehouse"] }, async (file) => {
  await appendFile(file, ++open + "\\n");
  await delay(50);
  open--;
});
export const queries = flow({ name: "queries" }, async ({ file }) => { await query.map([1, 2, 3, 4].map(() => file)); });
`;

let plane: Plane;

beforeAll(async () => {
  plane = await Plane.create(undefined);
  await plane.startApi();
  await plane.setUp();
  await writeFile(join(plane.project, "flows/queries.mjs"), FLOW);
  await plane.cliOk(["deploy", "flows/queries.mjs"]);
  await plane.startAgent([]);
});
afterAll(() => plane.dispose());

/** Runs the flow; the most of its tasks that were open at once. */
async function mostAtOnce(name: string): Promise<number> {
  const file = join(plane.folder, name);
  const { id } = await plane.cliJson<Run>(["run", "queries", "-p", `file=${file}`]);
  const read = (): Promise<RunDetail> => plane.client().call("readRun", { params: { runId: id } });
  const isOver = async () => (await read()).state.type === "COMPLETED";
  await waitFor(isOver, { deadlineMs: 30_000, describe: "the run to complete" });
  const lines = (await readFile(file, "utf8")).trim().split("\n").map(Number);
  expect(lines).toHaveLength(4);
  return Math.max(...lines);
}

it("a limit on a tag holds for the tasks that carry it, from the next run on", async () => {
  expect(await mostAtOnce("unlimited")).toBe(4);
  await plane.cliOk(["limit", "set", "warehouse", "--slots", "2", "--tag", "warehouse"]);
  const { stdout } = await plane.cliOk(["limit", "ls"]);
  expect(stdout).toMatch(/warehouse +0 of 2 +none +warehouse/);
  expect(await mostAtOnce("limited")).toBe(2);
  await plane.cliOk(["limit", "set", "warehouse", "--slots", "2"]);
  expect(await mostAtOnce("untagged")).toBe(4);
});
