import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "@downbeat/contract";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Plane } from "./plane.ts";
import { startProcess } from "./process.ts";

let plane: Plane;

beforeAll(async () => {
  plane = await Plane.create(undefined);
  await plane.startApi();
  await plane.setUp();
});

afterAll(() => plane.dispose());

it("a flow called from a plain script is recorded, and its log opens, without an agent", async () => {
  const script = join(plane.project, "nightly.mjs");
  await writeFile(
    script,
    `import { flow, log, task } from "@downbeat/sdk";
    const clean = task({ name: "clean" }, async (rows) => { log.info("script-line", { rows }); return [rows]; });
    const nightly = flow({ name: "nightly" }, async (rows) => (await clean(rows)).length);
    console.log(await nightly(3));
    process.exit(5);`,
  );
  const env = { DOWNBEAT_HOME: plane.customerHome };
  const running = startProcess(process.execPath, [script], { cwd: plane.project, env });
  expect([await running.exited, running.stdout()]).toEqual([5, "1\n"]);

  const { items } = await plane.client().call("listRuns", { query: { flowName: "nightly" } });
  expect(items.map((run: Run) => [run.state.type, run.taskRunCount])).toEqual([["COMPLETED", 1]]);
  const logs = await plane.cliOk(["runs", "logs", items[0]?.id ?? ""]);
  expect(logs.stdout).toContain('clean: script-line {"rows":3}');
});
