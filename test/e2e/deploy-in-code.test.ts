import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Plane } from "./plane.ts";
import { startProcess } from "./process.ts";

const require = createRequire(import.meta.url);
const EXAMPLES = dirname(require.resolve("@downbeat/examples/package.json"));
const TSX = pathToFileURL(createRequire(join(EXAMPLES, "package.json")).resolve("tsx")).href;

let plane: Plane;

beforeAll(async () => {
  plane = await Plane.create(undefined);
  await plane.startApi();
  await plane.setUp();
});
afterAll(() => plane.dispose());

async function script(cwd: string, file: string): Promise<{ code: unknown; text: string }> {
  const running = startProcess(process.execPath, ["--import", TSX, file], {
    cwd,
    env: { DOWNBEAT_HOME: plane.customerHome },
  });
  plane.processes.push(running);
  const code = await running.exited;
  return { code, text: running.stdout() + running.stderr() };
}

it("the example deploys a flow twice, and an agent runs what it deployed", async () => {
  expect(await script(EXAMPLES, join(EXAMPLES, "deploy.ts"))).toMatchObject({ code: 0 });
  const deployment = await plane.client().call("readDeployment", {
    params: { flowName: "seattle-weather", deploymentName: "year-2013" },
  });
  expect(deployment).toMatchObject({
    poolName: "default",
    tags: ["weather"],
    retry: { retriesOnFailure: 1, retriesOnCrash: 0 },
  });
  const again = await script(EXAMPLES, join(EXAMPLES, "deploy.ts"));
  expect(again.code).toBe(0);
  const results = join(plane.folder, "results");
  await mkdir(results);
  await plane.startAgent(["--project", EXAMPLES], { EXAMPLE_RESULTS_DIR: results });
  await plane.cliOk(["run", "seattle-weather/year-2013", "--watch"]);
  expect(await readdir(results)).not.toEqual([]);
});

it("what cannot be deployed is refused with the reason, and nothing is sent", async () => {
  const attempts: readonly (readonly [options: string, words: string])[] = [
    [`{ module: new URL("./flows/other.mjs", import.meta.url) }`, 'exports no flow "own"'],
    [`{ module: new URL("../outside.mjs", import.meta.url) }`, "does not lie in the project"],
    [`{ module: "./flows/own.mjs" }`, "it takes a file URL"],
    [`{ module, retry: { retriesOnCrash: -1 } }`, "retry.retriesOnCrash"],
    [`{ module, limits: ["a/b"] }`, "limitNames"],
    [`{ module, pool: "nowhere" }`, "nowhere"],
  ];
  await mkdir(join(plane.project, "flows"), { recursive: true });
  await writeFile(
    join(plane.project, "flows/own.mjs"),
    `import { flow } from "@downbeat/sdk"; export const own = flow({ name: "own" }, async () => 1);`,
  );
  await writeFile(join(plane.project, "flows/other.mjs"), `export const nothing = 1;`);
  await writeFile(
    join(plane.project, "deploy.mjs"),
    `import { deploy } from "@downbeat/sdk";
    import { own } from "./flows/own.mjs";
    const module = new URL("./flows/own.mjs", import.meta.url);
    for (const options of [${attempts.map(([options]) => options).join(", ")}])
      await deploy(own, options).then(() => console.log("deployed"), (error) => console.log(error.message));`,
  );
  const { text } = await script(plane.project, join(plane.project, "deploy.mjs"));
  const lines = text.trim().split("\n");
  expect(lines).toHaveLength(attempts.length);
  attempts.forEach(([, words], at) => expect(lines[at]).toContain(words));
  const names = { flowName: "own", deploymentName: "default" };
  await expect(plane.client().call("readDeployment", { params: names })).rejects.toMatchObject({
    code: "flow_not_found",
  });
});
