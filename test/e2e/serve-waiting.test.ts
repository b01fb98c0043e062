import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Plane } from "./plane.ts";
import { startProcess, type RunningProcess } from "./process.ts";

const SERVED = `import { flow, log, pause, runContext, serve, suspend, task } from "@downbeat/sdk";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
const step = task({ name: "step" }, async (text) => { console.log(text); });
const asks = flow({ name: "asks" }, async () => {
  const { ok } = await pause({ key: "go", input: z.object({ ok: z.boolean() }) });
  await step("asks was told " + ok);
});
const sleeps = flow({ name: "sleeps" }, async () => {
  await step("sleeps begins");
  const { n } = await suspend({ key: "count", input: z.object({ n: z.number() }) });
  await step("sleeps was told " + n);
});
const works = flow({ name: "works" }, async ({ ms }) => {
  await step("works begins");
  await delay(ms, undefined, { signal: runContext().signal });
  await step("works is done");
});
const serving = await serve(asks, sleeps, works, { concurrency: 2 });
console.log("serving");
await serving.stopped;
`;

let plane: Plane;
let served: RunningProcess;
let api: RunningProcess;

beforeAll(async () => {
  plane = await Plane.create();
  api = await plane.startApi();
  await plane.logIn();
  const script = join(plane.project, "served.mjs");
  await writeFile(script, SERVED);
  served = startProcess(process.execPath, [script], {
    cwd: plane.project,
    env: { DOWNBEAT_HOME: plane.customerHome },
  });
  plane.processes.push(served);
  await served.waitForOutput(/serving/, 60_000);
});
afterAll(() => plane.dispose());

it("a served flow waits in its process, and goes on with what it is given", async () => {
  const runId = await plane.trigger("asks");
  await plane.reaches(runId, "Paused");
  expect((await plane.read(runId)).pause).toMatchObject({ key: "go" });
  await plane.cliOk(["runs", "resume", runId, "-p", "ok=true"]);
  await served.waitForOutput(/asks was told true/);
  await plane.reaches(runId, "Completed");
});

it("a served flow that is suspended holds no place, and begins again from the top", async () => {
  const runIds = [
    await plane.trigger("sleeps"),
    await plane.trigger("sleeps"),
    await plane.trigger("sleeps"),
  ];
  // More than run at once here: they have let go of their places.
  for (const runId of runIds) await plane.reaches(runId, "Suspended");
  const [first = ""] = runIds;
  await plane.resume(first, { n: 5 });
  await served.waitForOutput(/sleeps was told 5/);
  await plane.reaches(first, "Completed");
  expect(served.stdout().match(/sleeps begins/g)).toHaveLength(4);
});

it("cancelling ends a flow that waits, in its process or suspended", async () => {
  const runIds = [await plane.trigger("asks"), await plane.trigger("sleeps")];
  await plane.reaches(runIds[0] ?? "", "Paused");
  await plane.reaches(runIds[1] ?? "", "Suspended");
  for (const runId of runIds) await plane.cancel(runId);
  for (const runId of runIds) await plane.reaches(runId, "Cancelled");
  expect(served.stdout().match(/was told/g)).toHaveLength(2);
});

it("while the plane is away a served flow runs on, and its end arrives afterwards", async () => {
  const runId = await plane.trigger("works", { ms: 4000 });
  await served.waitForOutput(/works begins/);
  await api.kill("SIGKILL");
  await served.waitForOutput(/works is done/);
  api = await plane.startApi();
  await plane.reaches(runId, "Completed");
  const { items } = await plane.client().call("listRunStates", { params: { runId } });
  expect(items.map(({ name }) => name)).toEqual(["Scheduled", "Pending", "Running", "Completed"]);
  await plane.reaches(await plane.trigger("works", { ms: 1 }), "Completed");
});
