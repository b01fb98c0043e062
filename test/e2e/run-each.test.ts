import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Plane } from "./plane.ts";

let plane: Plane;

beforeAll(async () => {
  plane = await Plane.create();
  await plane.startApi();
  await plane.logIn();
  await plane.cliOk(["key", "create", "--signing"]);
  await plane.cliOk(["deploy", "flows/markers.ts"]);
  // Its runs never end: their gate stays shut, and what was made can be counted.
  await plane.cliOk(["deploy", "flows/gated.ts"]);
});
afterAll(() => plane.dispose());

const linesOf = (text: string): string[] => text.split("\n").filter(Boolean);
const lineOf = (parameters: object): string => `${JSON.stringify(parameters)}\n`;
async function aFile(text: string): Promise<string> {
  const file = join(plane.folder, `${randomUUID()}.ndjson`);
  await writeFile(file, text);
  return `@${file}`;
}
async function gatedRuns(): Promise<number> {
  const body = { action: "cancel", filter: { flowName: "gated" }, dryRun: true } as const;
  return (await plane.client().call("bulkRuns", { body })).matched;
}

it("makes a run for each line, in order, signed and with parameters that an agent opens", async () => {
  const source = await aFile([{ secret: "one" }, { secret: "two" }].map(lineOf).join("\n"));
  const at = "2026-01-01T00:00:00Z";
  const args = ["run", "markers", "--each", source, "--tag", "sweep", "--at", at, "--sign"];
  const { stdout, stderr } = await plane.cliOk(args);
  const runIds = linesOf(stdout);
  expect(stderr).toContain("Made 2 runs of markers");
  const signers = join(plane.customerHome, "keys/signing.jwks.json");
  await plane.startAgent([], { DOWNBEAT_REQUIRE_SIGNED: "block", DOWNBEAT_SIGNERS_FILE: signers });
  const runs = await Promise.all(runIds.map((runId) => plane.ended(runId)));
  expect(runs.map(({ state, tags }) => [state.type, tags])).toEqual([
    ["COMPLETED", ["sweep"]],
    ["COMPLETED", ["sweep"]],
  ]);
});

it("gives every run what -p and --params say, where its line does not say otherwise", async () => {
  const source = await aFile([{}, { fail: false }, { secret: 4 }].map(lineOf).join(""));
  const params = await aFile(lineOf({ secret: "common", fail: false }));
  const args = ["run", "markers", "--each", source, "--params", params, "-p", "fail=true"];
  const { code, stdout, stderr } = await plane.cli(args);
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(/Line 3: /) });
  const runs = await Promise.all(linesOf(stdout).map((runId) => plane.ended(runId)));
  expect(runs.map(({ state }) => state.type)).toEqual(["FAILED", "COMPLETED"]);
});

it("stops at a line that does not fit, having made those before it; repeated with its key it makes the rest", async () => {
  const before = await gatedRuns();
  const key = randomUUID();
  const good = lineOf({ gate: "shut" });
  const args = (source: string) => ["run", "gated", "--each", source, "--idempotency-key", key];
  const broken = await plane.cli(args(await aFile(`${good}${good}\n{"gat": 1}\n${good}`)));
  expect(broken.code).toBe(2);
  expect(broken.stderr).toMatch(/Line 4: .*"gated".*\n.*gat: /);
  expect(broken.stderr).toContain("Made 2 runs of gated");
  expect(linesOf(broken.stdout)).toHaveLength(2);
  const mended = await plane.cliOk(args(await aFile(`${good}${good}\n${good}${good}`)));
  expect(linesOf(mended.stdout).slice(0, 2)).toEqual(linesOf(broken.stdout));
  expect(linesOf(mended.stdout)).toHaveLength(4);
  expect(await gatedRuns()).toBe(before + 4);
});

it("reads stdin, tells what was refused and goes on, with --json a line for each", async () => {
  const key = randomUUID();
  const args = ["run", "gated", "--each", "-", "--idempotency-key", key];
  const first = await plane.cli(args, {}, lineOf({ gate: "shut" }));
  expect(first.code).toBe(0);
  const text = `${lineOf({ gate: "shut" })}${lineOf({ gate: "shut" })}`;
  const second = await plane.cli([...args, "--tag", "other", "--json"], {}, text);
  const outcomes = linesOf(second.stdout).map((line) => JSON.parse(line) as unknown);
  expect(outcomes).toMatchObject([
    { line: 1, runId: null, error: { code: "idempotency_mismatch" } },
    { line: 2, runId: expect.any(String), error: null },
  ]);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain("1 of 2 runs were refused");
});

it("goes on by itself when the API is killed and comes back, and makes each run once", async () => {
  const before = await gatedRuns();
  const source = await aFile(lineOf({ gate: "shut" }).repeat(6_000));
  const api = plane.processes[0];
  const making = plane.startCli(["run", "gated", "--each", source]);
  await making.waitForOutput(/^[0-9a-f-]{36}$/m);
  await api?.kill("SIGKILL");
  await plane.startApi();
  expect(await making.exited).toBe(0);
  expect(new Set(linesOf(making.stdout())).size).toBe(6_000);
  expect(await gatedRuns()).toBe(before + 6_000);
});

it.each([
  [["--watch"], "--watch follows one run"],
  [["--timeout", "5m"], "goes with --watch"],
  [["--params", "-"], "--params - would read stdin too; give one of them as @file"],
  [["--idempotency-key", "nightly"], "not a UUID"],
])("refuses %s with --each", async (args, words) => {
  const { code, stderr } = await plane.cli(["run", "gated", "--each", "-", ...args]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(words) as string });
});
