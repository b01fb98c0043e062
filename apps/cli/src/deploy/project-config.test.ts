import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PlannedFlow } from "./plan-deployments.ts";
import { planTargets } from "./plan-targets.ts";
import { readProjectConfig } from "./project-config.ts";

let project: string;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), "downbeat-config-"));
});
afterEach(() => rm(project, { recursive: true, force: true }));

const write = (source: string): Promise<void> =>
  writeFile(join(project, "downbeat.config.mjs"), source);

describe("downbeat.config", () => {
  it("says nothing when there is none", async () => {
    expect(await readProjectConfig(project)).toEqual({ deployments: {}, limits: {} });
  });

  it("is read with its defaults filled in", async () => {
    await write(`export default {
      paths: ["jobs/*.mjs"],
      limits: { warehouse: { slots: 4 } },
      deployments: { "report/eu": { pool: "eu", parameters: { year: 2014 }, retry: { retriesOnCrash: 2 }, hostTransit: true } },
    };`);
    expect(await readProjectConfig(project)).toMatchObject({
      paths: ["jobs/*.mjs"],
      limits: { warehouse: { slots: 4, rate: null } },
      deployments: {
        "report/eu": {
          pool: "eu",
          retry: { retriesOnCrash: 2, delaySeconds: 10 },
          hostTransit: true,
        },
      },
    });
  });

  it.each([
    [`{ deployment: {}, limit: 1 }`, ["deployment: is not known", "limit: is not known"]],
    [`{ deployments: { report: { pol: "eu" } } }`, ["deployments.report.pol: is not known"]],
    [
      `{ deployments: { report: { timeoutSeconds: 0.5 } } }`,
      ["deployments.report.timeoutSeconds:"],
    ],
    [`{ deployments: { report: { hostTransit: "yes" } } }`, ["deployments.report.hostTransit:"]],
    [`7`, ["is not valid"]],
  ])("%s is refused, each key by its name", async (source, words) => {
    await write(`export default ${source};`);
    const error = await readProjectConfig(project).catch((refused: Error) => refused);
    expect(error).toMatchObject({ code: "configuration_invalid" });
    for (const word of words) expect((error as Error).message).toContain(word);
  });

  it("that throws on import says what it threw", async () => {
    await write(`throw new Error("no warehouse today");`);
    await expect(readProjectConfig(project)).rejects.toThrow("no warehouse today");
  });
});

describe("planTargets", () => {
  const flows = ["report", "clean"].map((flowName) => ({ flowName }) as PlannedFlow);
  const plan = (deployments: object, choice = {}): string[] =>
    planTargets(flows, { deployments } as never, {
      onlyName: undefined,
      isPartial: false,
      ...choice,
    }).map(({ flow, name, config }) => `${flow.flowName}/${name} ${config.pool ?? "-"}`);

  it("gives a flow the deployments it is named with, and `default` when it is not named", () => {
    const deployments = { report: { pool: "a" }, "report/eu": { pool: "eu" } };
    expect(plan(deployments)).toEqual(["report/default a", "report/eu eu", "clean/default -"]);
    expect(plan(deployments, { onlyName: "eu" })).toEqual(["report/eu eu", "clean/eu -"]);
  });

  it("refuses a flow that is not there, unless only some files were looked into", () => {
    expect(() => plan({ reprot: {} })).toThrow('"reprot", which no file exports; there are report');
    expect(plan({ reprot: {} }, { isPartial: true })).toHaveLength(2);
  });
});
