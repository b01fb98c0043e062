import { cp } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "@downbeat/contract";
import { waitFor } from "@downbeat/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { dumpPostgres, readTree } from "../e2e/database-dump.ts";
import { Plane } from "../e2e/plane.ts";
import type { RunningProcess } from "../e2e/process.ts";
import { findMarkers } from "./find-marker.ts";
import {
  environmentOf,
  leakInCall,
  leakInHeader,
  leakUnsealed,
  SENDS_UNCHECKED,
  type Mutant,
} from "./mutants.ts";
import { WireTap } from "./wire-tap.ts";

const SECRET = "marker-parameter-e18c77";
const DEFAULT = "marker-default-04ac3f";
const ENVIRONMENT = "marker-environment-8c21d5";
const NOTE = "marker-pause-input-b7e093";

/** Sent in clear where a deployment says so: the plane sees it, and may not keep it. */
const IN_TRANSIT = "marker-in-clear-5d90ec";

/** Everything that may not leave, by where it stands. */
const MARKERS: Readonly<Record<string, string>> = {
  source: "marker-source-9a3b51",
  "file name": "marker-path-77aa01",
  parameter: SECRET,
  default: DEFAULT,
  environment: ENVIRONMENT,
  "pause input": NOTE,
  "log text": "marker-log-text-42c7d0",
  "log field": "marker-log-field-5e61fa",
  "log after a pause": "marker-log-after-e915b8",
  stdout: "marker-stdout-c03d9e",
  stderr: "marker-stderr-71fb24",
  "task result": "marker-task-result-88d3c6",
  "flow result": "marker-flow-result-f2a80c",
  "result file": "marker-result-file-6dc158",
  "error message": "marker-error-d58c92",
  "task error": "marker-task-error-2b7f60",
  cause: "marker-cause-30f7ab",
  "cause of a cause": "marker-root-cause-b16d47",
  "artifact text": "marker-artifact-text-95d3f0",
  "artifact key": "marker-artifact-key-a41e77",
  "artifact title": "marker-artifact-title-6f20c9",
  "table column": "marker-artifact-column-17be84",
  "table cell": "marker-artifact-cell-e0932a",
  link: "marker-artifact-url-38c6d1",
  image: "marker-artifact-image-d7105b",
  "progress label": "marker-progress-label-0d84b2",
};
const ALL = Object.values(MARKERS);
const FLOW_FILE = "flows/marker-path-77aa01.ts";

const mutant = (name: string, leaks: readonly string[], edits: Mutant["edits"]): Mutant => ({
  name,
  leaks: leaks.map((place) => MARKERS[place] ?? ""),
  edits,
});

/** Agents that leak one kind of thing each. */
const AGENT_MUTANTS: readonly Mutant[] = [
  mutant("log lines unsealed", ["log text", "log field", "stdout", "stderr"], leakUnsealed("log")),
  mutant("log lines deflated in a header", ["log text"], leakInHeader("log", "deflated")),
  mutant("errors unsealed", ["error message", "cause", "cause of a cause"], leakUnsealed("error")),
  mutant("errors in a header", ["error message", "task error"], leakInHeader("error", "utf16")),
  mutant(
    "artifacts unsealed",
    ["artifact text", "artifact key", "artifact title", "table cell", "link", "progress label"],
    leakUnsealed("artifact"),
  ),
  mutant("artifacts in a header", ["table column", "image"], leakInHeader("artifact", "deflated")),
  mutant("the input of a pause", ["pause input"], leakInHeader("input", "deflated")),
  mutant("the environment", ["environment"], leakInCall('process.env.BOUNDARY_SECRET ?? ""')),
  mutant("source code", ["source"], leakInCall(`readFileSync("${FLOW_FILE}")`)),
  mutant("results", ["result file", "task result"], leakInCall('readFileSync("results/rows.txt")')),
];

type CliMutant = Mutant & { readonly args: readonly string[] };

/** Commands that leak one kind of thing each. */
const CLI_MUTANTS: readonly CliMutant[] = [
  {
    ...mutant("parameters in a header", ["parameter"], leakInHeader("parameters", "base64")),
    args: ["run", "carries-markers", "-p", `secret=${SECRET}`, "-p", "fail=false"],
  },
  {
    ...mutant("parameters unsealed", ["parameter"], leakUnsealed("parameters")),
    args: ["run", "carries-markers", "-p", `secret=${SECRET}`, "-p", "fail=false"],
  },
  {
    ...mutant(
      "defaults in a header",
      ["default"],
      [...leakInHeader("defaults", "hex"), SENDS_UNCHECKED],
    ),
    args: ["deploy", FLOW_FILE, "-p", `region=${DEFAULT}`],
  },
  {
    ...mutant(
      "file names in a header",
      ["file name"],
      [...leakInHeader("entrypoint", "raw"), SENDS_UNCHECKED],
    ),
    args: ["deploy", FLOW_FILE],
  },
];

describe("the data boundary", () => {
  let plane: Plane;
  let api: RunningProcess;
  let tap: WireTap;
  let agent: RunningProcess | undefined;

  beforeAll(async () => {
    plane = await Plane.create();
    const flows = join(plane.project, "flows");
    await cp(join(import.meta.dirname, "project/flows"), flows, { recursive: true });
    api = await plane.startApi({ DOWNBEAT_LOG_LEVEL: "trace" });
    tap = await WireTap.start(Number(plane.port));
    // Everything of the customer's goes through the tap from here on.
    plane.apiUrl = tap.url;
    await plane.cliOk(["login", tap.url], { DOWNBEAT_API_KEY: plane.apiKey });
    await plane.cliOk(["key", "create"]);
    await plane.cliOk(["deploy", FLOW_FILE, "-p", `region=${DEFAULT}`]);
  });

  afterEach(async () => {
    await agent?.end();
    agent = undefined;
  });

  afterAll(async () => {
    await plane.dispose();
    await tap.close();
  });

  const startAgent = (environment: Record<string, string> = {}): Promise<RunningProcess> =>
    plane.startAgent(["--concurrency", "1"], { BOUNDARY_SECRET: ENVIRONMENT, ...environment });
  const runToItsEnd = async (fail: boolean): Promise<string> => {
    const given = ["-p", `secret=${SECRET}`, "-p", `fail=${fail}`];
    const { id } = await plane.cliJson<Run>(["run", "carries-markers", ...given]);
    await plane.reaches(id, "Paused");
    await plane.cliOk(["runs", "resume", id, "-p", `note=${NOTE}`]);
    await plane.reaches(id, fail ? "Failed" : "Completed");
    return id;
  };

  it("lets nothing of the customer's onto the wire", async () => {
    agent = await startAgent();
    const completed = await runToItsEnd(false);
    const failed = await runToItsEnd(true);
    // The markers were really there: with the key they are read back.
    const logs = (await plane.cliOk(["runs", "logs", completed])).stdout;
    for (const marker of [SECRET, DEFAULT, ENVIRONMENT, MARKERS["stdout"], MARKERS["log field"]])
      expect(logs).toContain(marker);
    const view = (await plane.cliOk(["runs", "view", failed])).stdout;
    for (const marker of [MARKERS["error message"], MARKERS["cause"], SECRET])
      expect(view).toContain(marker);
    const shown = (await plane.cliOk(["runs", "artifacts", completed])).stdout;
    for (const place of ["artifact text", "artifact key", "table column", "link", "progress label"])
      expect(shown).toContain(MARKERS[place]);
    expect(await agent.kill("SIGTERM")).toBe(0);
    const wire = tap.bytes();
    expect(wire.includes("carries-markers")).toBe(true); // the flow's name is plain: the search looks in the right place
    expect(findMarkers(wire, ALL)).toEqual([]);
  });

  it.each(AGENT_MUTANTS)("would catch an agent that leaks $name", async (given) => {
    tap.forget();
    agent = await startAgent(environmentOf(given));
    const runId = await plane.trigger("carries-markers", { secret: SECRET, fail: true });
    await plane.reaches(runId, "Paused");
    if (given.leaks.includes(NOTE)) {
      // An input leaves from where it is typed.
      await plane.cli(["runs", "resume", runId, "-p", `note=${NOTE}`], environmentOf(given));
    } else await plane.resume(runId, { note: NOTE });
    let found: string[] = [];
    const isOut = (): boolean => {
      found = findMarkers(tap.bytes(), given.leaks).map(({ marker }) => marker);
      return given.leaks.every((marker) => found.includes(marker));
    };
    const patience = { deadlineMs: 30_000, intervalMs: 100, describe: "the leak" };
    await waitFor(isOut, patience).catch(() => undefined);
    expect(found).toEqual(expect.arrayContaining([...given.leaks]));
  });

  it.each(CLI_MUTANTS)("would catch a command that leaks $name", async (given) => {
    tap.forget();
    await plane.cli(given.args, environmentOf(given));
    const found = findMarkers(tap.bytes(), ALL).map(({ marker }) => marker);
    expect(found).toEqual(expect.arrayContaining([...given.leaks]));
  });

  it("lets callers send in clear what one deployment takes so, and an agent runs it", async () => {
    agent = await startAgent();
    const options = ["--name", "open", "-p", `region=${DEFAULT}`, "--host-transit"];
    expect((await plane.cliOk(["deploy", FLOW_FILE, ...options])).stderr).toContain("host-transit");
    expect((await plane.cliOk(["deployment", "ls"])).stdout).toMatch(/open .*host-transit/);
    const grant = { grant: "api_key", apiKey: plane.apiKey } as const;
    const { accessToken } = await plane.client().call("exchangeToken", { body: grant });
    const post = (body: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${plane.port}/v1/runs`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${accessToken}` },
        body,
      });
    const asked = { flowName: "carries-markers", parameters: { secret: IN_TRANSIT, fail: true } };
    const open = JSON.stringify({ ...asked, deploymentName: "open" });
    expect((await post(JSON.stringify(asked))).status).toBe(422);
    expect((await post(open.slice(0, -2))).status).toBe(400);
    const { id } = (await (await post(open)).json()) as Run;
    await plane.reaches(id, "Paused");
    await plane.resume(id, { note: NOTE });
    await plane.reaches(id, "Failed");
    expect((await plane.cliOk(["runs", "logs", id])).stdout).toContain(`${IN_TRANSIT} ${DEFAULT}`);
    const view = (await plane.cliOk(["runs", "view", id])).stdout;
    expect(view).toMatch(new RegExp(`"secret":"${IN_TRANSIT}".*\n.*host-transit`));
  });

  // Last: it ends the API. All the leaking processes above have been here, and were refused.
  it("lets nothing of the customer's into the database or the API's log, whoever leaks", async () => {
    expect(await api.kill("SIGTERM")).toBe(0);
    const dump = await dumpPostgres(plane.databaseUrl ?? "");
    expect(dump).toContain("carries-markers");
    expect(api.stdout() + api.stderr()).toContain('"status":422');
    const kept = [dump, api.stdout(), api.stderr(), await readTree(plane.apiHome)];
    const markers = [...ALL, IN_TRANSIT];
    expect(findMarkers(Buffer.from(kept.join("\n"), "latin1"), markers)).toEqual([]);
  });
});
