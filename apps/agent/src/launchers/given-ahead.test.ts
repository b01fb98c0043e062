import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { aProject, workerOptions } from "../worker-options.fixture.ts";
import { WorkerProcess, type RunEnd } from "./worker-process.ts";

const FLOWS = `
import { appendFileSync } from "node:fs";
import { flow } from "@downbeat/sdk";
import { z } from "zod";
const parameters = z.object({ file: z.string(), name: z.string() });
let atWork = 0;
export const note = flow({ name: "note", parameters }, async ({ file, name }) => {
  if (atWork++ > 0) throw new Error("two runs at once");
  appendFileSync(file, name + "\\n");
  await new Promise((resolve) => setTimeout(resolve, 2));
  atWork -= 1;
});
export const blocks = flow({ name: "blocks", parameters }, ({ file, name }) => {
  appendFileSync(file, name + "\\n");
  for (const until = Date.now() + 1_000; Date.now() < until; );
});
export const dies = flow({ name: "dies", parameters }, () => { process.kill(process.pid, "SIGKILL"); });
export const exits = flow({ name: "exits", parameters }, () => { process.exit(3); });
export const prints = flow({ name: "prints", parameters }, ({ name }) => { console.log("of " + name); });
`;

let project: string;
let worker: WorkerProcess;
let file: string;

beforeAll(() => {
  project = aProject({ "flows.ts": FLOWS });
});

async function startWorker(beginWithinMs = 20_000): Promise<void> {
  worker = await WorkerProcess.start(workerOptions(project, { beginWithinMs }));
  worker.takesMore = true;
}

beforeEach(() => {
  file = join(project, randomUUID());
});

afterEach(() => worker.signal("SIGKILL"));

type Given = { readonly runId: string; readonly lines: string[]; readonly end: Promise<RunEnd> };

/** Gives the worker a run of each of these flows at once; they are called by their places, from 0. */
function give(...flows: readonly string[]): Given[] {
  return flows.map((flowName, place) => {
    const runId = randomUUID();
    const lines: string[] = [];
    const message = {
      ...({ type: "run", runId, epoch: 1, attempt: 1, flowName, exportName: flowName } as const),
      modulePath: join(project, "flows.ts"),
      parameters: { file, name: String(place) },
    };
    const end = worker.run(message, { events: () => {}, line: (_, text) => lines.push(text) });
    return { runId, lines, end };
  });
}

/** Gives runs once the flows' module is loaded, which takes its time. */
async function giveWarm(...flows: readonly string[]): Promise<Given[]> {
  await give("note")[0]?.end;
  return give(...flows);
}

const noted = () => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []);

async function howEnded(given: readonly Given[]): Promise<string[]> {
  const ends = await Promise.all(given.map(({ end }) => end));
  return ends.map((end) => (end.kind === "finished" ? end.outcome.outcome : end.kind));
}

test("runs given ahead run one after the other, in order", async () => {
  await startWorker();
  const given = await giveWarm(...Array.from({ length: 8 }, () => "note"));
  expect(await howEnded(given)).toEqual(given.map(() => "completed"));
  expect(noted()).toEqual(["0", ...given.map((_, place) => String(place))]);
});

test.each(["dies", "exits"])(
  "when a process %s, those that have not begun come back",
  async (end) => {
    await startWorker();
    const given = await giveWarm("note", end, "note", "note");
    expect(await howEnded(given)).toEqual(["completed", "exited", "returned", "returned"]);
    expect(noted()).toEqual(["0", "0"]);
  },
);

test("behind a run that lets nothing else run they come back soon, and never begin there", async () => {
  await startWorker(100);
  const given = await giveWarm("blocks", "note", "note");
  const [blocks, ...others] = given;
  let isOver = false;
  void blocks?.end.then(() => (isOver = true));
  expect(await howEnded(others)).toEqual(["returned", "returned"]);
  expect(isOver).toBe(false);
  await blocks?.end;
  // What comes next shows that the worker has passed them over.
  expect(await howEnded(give("note", "note"))).toEqual(["completed", "completed"]);
  expect(noted()).toEqual(["0", "0", "0", "1"]);
});

test("behind a run that prints nothing begins, so that each line has its run", async () => {
  await startWorker();
  const given = await giveWarm("note", "prints", "prints", "note");
  expect(await howEnded(given)).toEqual(["completed", "completed", "returned", "returned"]);
  expect(given.map(({ lines }) => lines)).toEqual([[], ["of 1"], [], []]);
  const [next] = give("prints");
  await next?.end;
  expect(next?.lines).toEqual(["of 0"]);
});

test("a run that is cancelled before it begins does not begin", async () => {
  await startWorker();
  const given = await giveWarm("note", "note", "note");
  worker.cancel(given[2]?.runId ?? "");
  expect(await howEnded(given)).toEqual(["completed", "completed", "cancelled"]);
  expect(noted()).toEqual(["0", "0", "1"]);
});

test("runs that come too late when it is their turn come back", async () => {
  await startWorker(0);
  const given = await giveWarm("note", "note", "note");
  expect(await howEnded(given)).toEqual(["completed", "returned", "returned"]);
  expect(await howEnded(give("note", "note"))).toEqual(["completed", "returned"]);
  expect(noted()).toEqual(["0", "0", "0"]);
});

test("a process that is gone gives back what it is given", async () => {
  await startWorker();
  worker.signal("SIGKILL");
  await worker.exited;
  expect(await howEnded(give("note"))).toEqual(["returned"]);
});
