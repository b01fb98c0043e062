import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKeyset, createOpener, openKeyring, publicKeyOf } from "@downbeat/seal";
import type { Opener, WorkspaceKeyset } from "@downbeat/seal";
import { writeKeyset } from "@downbeat/seal/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { bundleSource } from "../testing/bundle-source.ts";
import { FakePlane } from "../testing/fake-plane.ts";

const workspaceId = "0198c0de-0000-7000-8000-00000000000a";
const directory = mkdtempSync(join(tmpdir(), "downbeat-standalone-"));
const keyFile = join(directory, "keys", "keyset.json");
let keyset: WorkspaceKeyset;
let plane: FakePlane;
let opener: Opener;

beforeAll(async () => {
  await bundleSource(new URL("../index.ts", import.meta.url), join(directory, "sdk.mjs"));
  keyset = await createKeyset({ workspaceId, now: new Date("2026-01-01T00:00:00Z") });
  await writeKeyset(keyFile, keyset);
}, 60_000);

beforeEach(async () => {
  plane = await FakePlane.start();
  opener = createOpener(await openKeyring(keyset), {
    fetchDataKeys: () => Promise.resolve(plane.dataKeys),
  });
});

afterEach(() => plane.stop());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const FAILING = `
  const clean = task({ name: "clean" }, async (rows) => { log.info("hush-log", { rows: rows.length }); throw new RangeError("hush-message"); });
  const main = flow({ name: "nightly" }, async (secret) => { await clean([secret]); });
  await main("hush-parameter").catch((error) => console.log("caught", error.message));`;

test("a script with a profile records its run, sealed; its terminal state is there when the call returns", async () => {
  const script = await run(`${FAILING}\nprocess.exit(7);`, {
    DOWNBEAT_API_URL: plane.url,
    DOWNBEAT_API_KEY: "dnb_x",
    DOWNBEAT_KEY_FILE: keyFile,
  });
  expect(script).toMatchObject({ code: 7, stdout: "caught hush-message\n" });
  const context = { run: plane.lease.runId, epoch: 1 };

  expect(plane.opened).toMatchObject([{ flowName: "nightly" }]);
  const { parameters } = plane.opened[0] ?? {};
  expect(await opener.open(String(parameters), { kind: "parameters", dep: "nightly" })).toEqual({
    arguments: ["hush-parameter"],
  });

  const taskRun = plane.items.findLast((item) => item.kind === "task_run");
  expect(taskRun).toMatchObject({
    taskName: "clean",
    type: "FAILED",
    name: "Failed",
    error: { class: "RangeError" },
  });
  expect(plane.items.slice(-2)).toMatchObject([{ kind: "log_manifest" }, { kind: "transition" }]);
  const log = plane.items.find((item) => item.kind === "log");
  expect(await opener.open(String(log?.chunk), { kind: "log", ...context, seq: 0 })).toMatchObject([
    {
      level: "info",
      logger: "clean",
      text: "hush-log",
      fields: { rows: 1 },
      taskRunId: taskRun?.taskRunId,
    },
  ]);
  const end = plane.items.at(-1);
  expect(end).toMatchObject({
    kind: "transition",
    type: "FAILED",
    reason: "failed",
    error: { class: "RangeError", fingerprint: expect.stringMatching(/^[\w-]{43}$/) },
  });
  const detail = end?.kind === "transition" ? end.error?.detail : undefined;
  expect(await opener.open(String(detail), { kind: "error", ...context })).toMatchObject({
    message: "hush-message",
  });

  expect(plane.calls.at(-1)).toBe("/v1/agent/release");
  expect(JSON.stringify([plane.opened, plane.items])).not.toContain("hush");
});

const SHOWING = `
  const load = task({ name: "load" }, async () => {
    for (let done = 0; done <= 50_000; done += 1) progress(done, 50_000, "hush-label");
    artifact.table("hush-key", [{ "hush-column": "hush-cell" }], { title: "hush-title" });
  });
  const main = flow({ name: "showing" }, async () => { metric("rows", 4.5); artifact.markdown("hush-note", "hush-text"); await load(); });
  await main();`;

test("what a script shows is recorded, sealed (with a key from the environment) but for metrics, and its last version is there at the end", async () => {
  await run(SHOWING, {
    DOWNBEAT_API_URL: plane.url,
    DOWNBEAT_API_KEY: "dnb_x",
    DOWNBEAT_KEY: JSON.stringify(keyset),
  });
  expect(plane.items.at(-1)).toMatchObject({ type: "COMPLETED" });
  expect(plane.items.filter(({ kind }) => kind === "metric")).toMatchObject([
    { name: "rows", value: 4.5, sequence: expect.any(Number) },
  ]);
  const items = plane.items.filter((item) => item.kind === "artifact");
  expect(items.length).toBeLessThan(6);
  const newest = new Map(items.map((item) => [item.keyTag, item]));
  const context = { kind: "artifact", run: plane.lease.runId, epoch: 1 } as const;
  const details = [...newest.values()].map(({ detail, sequence }) =>
    opener.open(detail, { ...context, seq: sequence }),
  );
  expect(await Promise.all(details)).toMatchObject([
    { key: "hush-note", content: { type: "markdown", text: "hush-text" } },
    { key: "progress of load #0", content: { done: 50_000, label: "hush-label" } },
    {
      key: "hush-key",
      title: "hush-title",
      content: { columns: ["hush-column"], rows: [["hush-cell"]] },
    },
  ]);
  expect(JSON.stringify(plane.items)).not.toContain("hush");
});

test("with only the public key, states and parameters are recorded, logs and error text are not", async () => {
  const { keyId, profileFile } = publicOnlyProfile();
  const script = await run(FAILING, { DOWNBEAT_PROFILE_FILE: profileFile });
  expect(script.stderr).toContain(
    `logs and error messages are not recorded: no workspace key is on this machine (needed: ${keyId})`,
  );
  expect(plane.items.map((item) => item.kind)).not.toContain("log");
  expect(plane.items.at(-1)).toMatchObject({
    type: "FAILED",
    error: { class: "RangeError", detail: null, fingerprint: null },
  });
  expect(await opener.open(String(plane.opened[0]?.parameters), { kind: "parameters" })).toEqual({
    arguments: ["hush-parameter"],
  });
});

test("with only the public key, of what a script shows its metrics are recorded", async () => {
  await run(SHOWING, { DOWNBEAT_PROFILE_FILE: publicOnlyProfile().profileFile });
  expect(new Set(plane.items.map(({ kind }) => kind))).toEqual(
    new Set(["task_run", "metric", "transition"]),
  );
});

test("a cancellation on the plane aborts the script's run", async () => {
  plane.heartbeatSeconds = 0.05;
  plane.cancelRequested = true;
  const script = await run(
    `import { setTimeout as delay } from "node:timers/promises";
    const main = flow({ name: "long" }, () => delay(60_000, undefined, { signal: runContext().signal }));
    await main().catch((error) => console.log(error.name));`,
    { DOWNBEAT_API_URL: plane.url, DOWNBEAT_API_KEY: "dnb_x", DOWNBEAT_KEY_FILE: keyFile },
  );
  expect(script.stdout).toBe("AbortError\n");
  expect(plane.items.at(-1)).toMatchObject({
    type: "CANCELLED",
    name: "Cancelled",
    reason: "cancelled",
  });
});

test("with the plane away the script does its work unharmed, says so once, and ends soon", async () => {
  const { url } = plane;
  await plane.stop();
  const script = await run(
    `const step = task({ name: "step" }, async (n) => { log.info("step " + n); return n; });
    const main = flow({ name: "alone" }, async () => { let sum = 0; for (let n = 0; n < 100; n++) sum += await step(n); return sum; });
    const startedAt = performance.now();
    console.log(await main() + await main());
    console.log(performance.now() - startedAt < 1_500);`,
    { DOWNBEAT_API_URL: url, DOWNBEAT_API_KEY: "dnb_x", DOWNBEAT_KEY_FILE: keyFile },
  );
  expect(script).toMatchObject({ code: 0, stdout: "9900\ntrue\n" });
  expect(
    script.stderr.match(/^downbeat: runs are recorded when the plane answers again: /gm),
  ).toHaveLength(1);
  plane = await FakePlane.start();
});

test.each([
  ["no profile", {}],
  [
    "recording switched off",
    { DOWNBEAT_RECORD: "off", DOWNBEAT_API_URL: "http://127.0.0.1:1", DOWNBEAT_API_KEY: "dnb_x" },
  ],
])("with %s nothing is recorded and nothing is said", async (_, environment) => {
  const script = await run(
    `console.log(await flow({ name: "quiet" }, async (n) => n + 1)(1));`,
    environment,
  );
  expect(script).toEqual({ code: 0, stdout: "2\n", stderr: "" });
  expect(plane.calls).toEqual([]);
});

test("a profile that cannot be used is named, and the script runs on", async () => {
  const profileFile = join(directory, "broken.json");
  writeFileSync(profileFile, "{");
  const script = await run(`console.log(await flow({ name: "quiet" }, async () => 1)());`, {
    DOWNBEAT_PROFILE_FILE: profileFile,
  });
  expect(script).toMatchObject({
    code: 0,
    stdout: "1\n",
    stderr: expect.stringContaining(`${profileFile} is not valid JSON`),
  });
});

function publicOnlyProfile(): { keyId: string; profileFile: string } {
  const { keyId, publicJwk } = publicKeyOf(keyset);
  const profileFile = join(directory, "public-only.json");
  const profile = {
    apiUrl: plane.url,
    apiKey: "dnb_x",
    workspaceId,
    publicKey: { keyId, publicJwk },
  };
  writeFileSync(profileFile, JSON.stringify(profile));
  return { keyId, profileFile };
}

let scripts = 0;

async function run(source: string, environment: Record<string, string>) {
  const path = join(directory, `script-${scripts++}.mjs`);
  writeFileSync(
    path,
    `import { artifact, flow, log, metric, progress, runContext, task } from "./sdk.mjs";\n${source}\n`,
  );
  // An environment of its own, in a directory of its own: no profile of the machine may be found.
  const env = { HOME: directory, ...environment };
  const child = spawn(process.execPath, [path], { cwd: directory, env });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stdout, stderr };
}
