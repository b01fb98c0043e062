import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { planDeployments } from "./plan-deployments.ts";

let project: string;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), "downbeat-project-"));
  await write("package.json", `{ "type": "module" }`);
});

afterEach(() => rm(project, { recursive: true, force: true }));

describe("planDeployments", () => {
  it("finds flows in TypeScript and JavaScript, and passes by tests and what is no flow", async () => {
    await write("flows/a.ts", `${flowCalled("alpha")} export const other: number = 1;`);
    await write("flows/deep/b.mjs", `${flowCalled("beta", "default")}`);
    await write("flows/a.test.ts", `throw new Error("tests are not imported");`);
    await write("flows/node_modules/x/index.js", `throw new Error("packages are not imported");`);
    const { flows } = await plan();
    expect(flows.map(({ flowName, path, export: name }) => [flowName, path, name])).toEqual([
      ["alpha", "flows/a.ts", "found"],
      ["beta", "flows/deep/b.mjs", "default"],
    ]);
    expect(flows[0]?.contentHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it("deploys nothing when one file does not import, and names it with its error", async () => {
    await write("flows/good.mjs", flowCalled("good"));
    await write("flows/bad.mjs", `throw new Error("no database today");`);
    await expect(plan()).rejects.toMatchObject({
      code: "entrypoint_invalid",
      issues: [{ path: "flows/bad.mjs", message: expect.stringContaining("no database today") }],
    });
  });

  it("goes on with the rest when asked to", async () => {
    await write("flows/good.mjs", flowCalled("good"));
    await write("flows/bad.mjs", `throw new Error("no database today");`);
    const { flows, failures } = await plan({ keepGoing: true });
    expect(flows.map((flow) => flow.flowName)).toEqual(["good"]);
    expect(failures.map((failure) => failure.path)).toEqual(["flows/bad.mjs"]);
  });

  it("takes one flow exported twice once, and refuses two flows of one name", async () => {
    await write("flows/a.mjs", `${flowCalled("same")} export const again = found;`);
    expect((await plan()).flows).toHaveLength(1);
    await write("flows/b.mjs", flowCalled("same"));
    await expect(plan()).rejects.toThrow(/Two flows are called "same"/);
  });

  it("takes a flow that other files pass on once, from where it is defined if they are an index", async () => {
    await write("flows/load.mjs", flowCalled("load"));
    await write(
      "flows/index.mjs",
      `export { found as load } from "./load.mjs"; ${flowCalled("own")}`,
    );
    await write("flows/zebra.mjs", `export { found as striped } from "./load.mjs";`);
    const { flows } = await plan();
    expect(flows.map(({ flowName, path }) => `${flowName} ${path}`).toSorted()).toEqual([
      "load flows/load.mjs",
      "own flows/index.mjs",
    ]);
    expect((await plan({ paths: ["flows/zebra.mjs"] })).flows).toMatchObject([
      { flowName: "load", path: "flows/zebra.mjs", export: "striped" },
    ]);
  });

  it("finds out which flows are exclusive", async () => {
    await write("flows/a.mjs", flowCalled("plain"));
    await write(
      "flows/b.mjs",
      flowCalled("alone").replace("protocol: 1", "protocol: 1, exclusive: true"),
    );
    const { flows } = await plan();
    expect(flows.map(({ flowName, exclusive }) => [flowName, exclusive])).toEqual([
      ["plain", false],
      ["alone", true],
    ]);
  });

  it("survives a module that exits or keeps the process busy", async () => {
    await write("flows/timer.mjs", `${flowCalled("timer")} setInterval(() => {}, 1000);`);
    expect((await plan()).flows).toHaveLength(1);
    await write("flows/exit.mjs", `process.exit(0);`);
    await expect(plan()).rejects.toThrow(/ended with exit code 0 before it was done/);
  });

  it("refuses files outside the project, through a link too", async () => {
    const outside = await mkdtemp(join(tmpdir(), "downbeat-outside-"));
    await writeFile(join(outside, "evil.mjs"), flowCalled("evil"));
    await symlink(join(outside, "evil.mjs"), join(project, "link.mjs"));
    await expect(plan({ paths: ["link.mjs"] })).rejects.toThrow(
      /no file "link.mjs" inside the project/,
    );
    await expect(plan({ paths: [join(outside, "evil.mjs")] })).rejects.toMatchObject({
      code: "usage_invalid",
    });
    await rm(outside, { recursive: true });
  });

  it("says where it looked when there is nothing", async () => {
    await expect(plan()).rejects.toThrow(/match flows\/\*\*\/\*/);
    await write("flows/none.mjs", `export const nothing = 1;`);
    await expect(plan()).rejects.toThrow(/No file exports a flow; looked into flows\/none.mjs/);
  });
});

function plan(options: { paths?: string[]; keepGoing?: boolean } = {}) {
  return planDeployments({ projectDirectory: project, paths: [], keepGoing: false, ...options });
}

/** A flow as the SDK marks one, without the SDK: the mark is the whole agreement. */
function flowCalled(name: string, exportName = "found"): string {
  const value = `Object.assign(() => {}, { [Symbol.for("downbeat.flow")]: { protocol: 1, name: "${name}", parametersJsonSchema: () => ({ type: "object" }) } })`;
  return exportName === "default"
    ? `export default ${value};`
    : `export const ${exportName} = ${value};`;
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(project, path)), { recursive: true });
  await writeFile(join(project, path), text);
}
