import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { aRun, WorkerFixture } from "../testing/worker-fixture.ts";

const fixture = new WorkerFixture();
beforeAll(() => fixture.build(), 60_000);
afterEach(() => fixture.killAll());
afterAll(() => fixture.remove());

// A minute each: they start processes, one of which loads a compiler, and on a busy machine that takes ten times as long.

test("an export that is missing, no flow, or another flow says what is there", async () => {
  const path = fixture.flowModule(
    "exports.mjs",
    `
    export const real = flow({ name: "real" }, () => 1);
    export const notOne = () => 1;`,
  );
  const worker = fixture.start();
  const outcomeOf = (exportName: string, flowName = exportName, modulePath = path) => {
    const runId = `${exportName} as ${flowName}`;
    worker.send({ ...aRun(runId, modulePath, flowName), exportName });
    return worker.finished(runId);
  };
  const refused = (message: RegExp) => ({
    outcome: "failed",
    error: { class: "EntrypointError", message: expect.stringMatching(message) },
  });
  expect(await outcomeOf("gone")).toMatchObject(
    refused(/exports nothing named "gone"; its flows are: real$/),
  );
  expect(await outcomeOf("notOne")).toMatchObject(refused(/exports "notOne", which is not a flow/));
  expect(await outcomeOf("real", "other")).toMatchObject(
    refused(/exports "real" as flow "real", not "other"/),
  );
  expect(await outcomeOf("x", "x", join(fixture.directory, "none.mjs"))).toMatchObject(
    refused(/there is no file/),
  );
}, 60_000);

test("a module that does not parse fails the run with the class of its error", async () => {
  const path = fixture.flowModule("broken.mjs", `export const broken = ;`);
  expect(await fixture.outcomeOf(path, "broken")).toMatchObject({
    outcome: "failed",
    error: { class: "SyntaxError" },
  });
}, 60_000);

test("a .ts entrypoint runs through the loader given, which is not loaded before", async () => {
  const spy = fixture.module(
    "loader.mjs",
    `export function register() { process.stdout.write("registered "); }`,
  );
  const loaders = [
    pathToFileURL(spy).href,
    import.meta.resolve("tsx/cjs/api"),
    import.meta.resolve("tsx/esm/api"),
  ];
  // The directory has no package.json, so this is the harder case: TypeScript in a package that is not "type": "module".
  const typed = fixture.flowModule(
    "typed.ts",
    `
    import type { Readable } from "node:stream";
    const step = task({ name: "step" }, async (n: number): Promise<number> => n + 1);
    export const typed = flow({ name: "typed" }, async (p: { n: number }) => { console.log(await step(p.n) as number); });`,
  );
  const plain = fixture.flowModule(
    "plain.mjs",
    `export const plain = flow({ name: "plain" }, () => console.log("plain"));`,
  );
  const worker = fixture.start(...loaders.flatMap((url) => ["--ts-loader", url]));
  worker.send(aRun("js", plain, "plain"));
  worker.send(aRun("ts1", typed, "typed", { n: 41 }));
  worker.send(aRun("ts2", typed, "typed", { n: 1 }));
  expect(await worker.finished("ts2")).toEqual({ outcome: "completed" });
  worker.send({ type: "stop" });
  expect(await worker.exit()).toEqual({ code: 0, signal: null });
  expect(worker.stdout).toBe("plain\nregistered 42\n2\n");
}, 60_000);

test("a .ts entrypoint without a loader says that there is none", async () => {
  const path = fixture.module("unread.ts", "");
  expect(await fixture.outcomeOf(path, "unread")).toMatchObject({
    error: { class: "EntrypointError", message: expect.stringContaining("without --ts-loader") },
  });
}, 60_000);
