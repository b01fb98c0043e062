import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { FLOW } from "../flow-definition.ts";
import { task, threads } from "../index.ts";
import type { Flow, Task } from "../index.ts";
import type { RunHost, SlotRequest } from "../run-host.ts";
import { bundleSource } from "../testing/bundle-source.ts";
import { RecordingHost } from "../testing/recording-host.ts";

const directory = mkdtempSync(join(tmpdir(), "downbeat-threads-"));

type Work = {
  square: Task<(n: number) => Promise<{ squared: number; thread: number }>>;
  picky: Task<(kind: string) => number>;
  spin: Task<() => void>;
  tell: Task<(word: string) => void>;
  shows: Task<(word: string) => void>;
  mutter: Task<(word: string) => void>;
  nested: Task<() => Promise<unknown>>;
  keptSquare: Task<(n: number) => { squared: number; at: bigint }>;
  mailing: Task<(count: number, hang: boolean) => Promise<unknown>>;
  flowOf: (body: () => Promise<unknown>) => Flow<[], unknown>;
  secret: (value: string) => string;
};
let work: Work;

// A thread imports the module anew, by itself: it has to be one that plain Node understands.
beforeAll(async () => {
  vi.stubEnv("DOWNBEAT_RECORD", "off");
  await bundleSource(new URL("../index.ts", import.meta.url), join(directory, "sdk.mjs"));
  const piscina = createRequire(import.meta.url).resolve("piscina");
  mkdirSync(join(directory, "node_modules"));
  symlinkSync(dirname(dirname(piscina)), join(directory, "node_modules/piscina"));
  writeFileSync(
    join(directory, "work.mjs"),
    `import { threadId } from "node:worker_threads";
    import { artifact, byInputs, directoryStorage, flow, log, metric, NonRetriableError, progress, runContext, task, threads } from "./sdk.mjs";
    const runner = (name) => threads(import.meta.url, name);
    export const square = task({ name: "square", runner: runner("square") }, async (n) => ({ squared: n * n, thread: threadId }));
    class NotThere extends Error { code = 404; }
    export const picky = task(
      { name: "picky", retries: 2, retryDelay: 0, runner: runner("picky") },
      (kind) => {
        const { attempt, retriesLeft } = runContext().task;
        if (kind === "range") throw new RangeError("out of range", { cause: new NotThere("deep") });
        if (kind === "final") throw new NonRetriableError("attempt " + attempt);
        if (kind === "own") throw new NotThere("attempt " + attempt);
        if (kind === "text") throw "just text";
        return retriesLeft;
      },
    );
    export const spin = task({ name: "spin", timeoutMs: 300, runner: runner("spin") }, () => { for (;;); });
    export const tell = task({ name: "tell", runner: runner("tell") }, (word) => {
      for (let n = 0; n < 100; n += 1) log.info(word + " " + n, { flow: runContext().run?.flowName });
    });
    export const mutter = task({ name: "mutter", runner: runner("mutter") }, (word) => console.warn(word));
    export const shows = task({ name: "shows", runner: runner("shows") }, (word) => {
      artifact.table("rows", [{ word }]);
      metric("rows", 1);
      for (let n = 1; n <= 1000; n += 1) progress(n, 1000, word);
    });
    const leaf = task({ name: "leaf" }, async () => 7);
    export const nested = task({ name: "nested", runner: runner("nested") }, async () => leaf());
    const storage = directoryStorage(${JSON.stringify(join(directory, "results"))});
    export const keptSquare = task(
      { name: "kept-square", persist: { storage }, cache: { storage, key: byInputs() }, runner: runner("keptSquare") },
      (n) => ({ squared: n * n, at: process.hrtime.bigint() }),
    );
    const mail = task({ name: "mail", limits: ["smtp"], tags: ["net", "eu"] }, async (hang) => {
      if (hang) for (;;);
    });
    export const mailing = task(
      { name: "mailing", tags: ["net"], runner: runner("mailing") },
      async (count, hang) => { for (let n = 0; n < count; n += 1) await mail(hang); },
    );
    export { secret } from "./sdk.mjs";
    export const flowOf = (body) => flow({ name: "threaded" }, body);`,
  );
  work = (await import(pathToFileURL(join(directory, "work.mjs")).href)) as Work;
});

afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

async function recorded(body: () => Promise<unknown>) {
  const host = new RecordingHost("threaded");
  const outcome = await work.flowOf(body)[FLOW].execute({}, host);
  return { host, outcome };
}

test("threads that cannot start fail the task with the reason, and the next call tries anew", async () => {
  const loader = pathToFileURL(join(directory, "missing-loader.mjs")).href;
  const shared = globalThis as { [key: symbol]: unknown };
  const loaders = Symbol.for("downbeat.typescript-loaders");
  shared[loaders] = [loader];
  await expect(work.square(1)).rejects.toThrow("missing-loader.mjs");
  shared[loaders] = undefined;
  expect(await work.square(2)).toMatchObject({ squared: 4 });
});

test("the function runs in another thread, and its result comes back", async () => {
  const results = await work.square.map([1, 2, 3]);
  expect(results.map(({ squared }) => squared)).toEqual([1, 4, 9]);
  expect(results.every(({ thread }) => thread > 0)).toBe(true);
  expect(await work.square.submit(5)).toMatchObject({ squared: 25 });
});

test("errors keep class, message, cause and fields; retries and their budget work as ever", async () => {
  const { host } = await recorded(() => work.picky("own"));
  expect(host.trail("picky").at(-1)).toBe("Failed#3");
  expect(host.taskRuns("picky").at(-1)?.error).toMatchObject({
    class: "NotThere",
    message: "attempt 3",
  });
  await expect(work.picky("own")).rejects.toMatchObject({ name: "NotThere", code: 404 });
  const range: unknown = await work.picky("range").catch((error: unknown) => error);
  expect(range).toBeInstanceOf(RangeError);
  expect(range).toMatchObject({ message: "out of range", cause: { message: "deep", code: 404 } });
  await expect(work.picky("final")).rejects.toThrow("attempt 1");
  await expect(work.picky("text")).rejects.toBe("just text");
  expect(await work.picky("fine")).toBe(2);
});

test("a timeout ends a thread that never yields", async () => {
  await expect(work.spin()).rejects.toThrow('task "spin" took longer than its timeoutMs of 300');
  const { outcome } = await recorded(() => work.spin());
  expect(outcome).toMatchObject({ outcome: "failed" });
  expect(outcome.abandoned).toBeUndefined();
  expect(await work.square(3)).toMatchObject({ squared: 9 });
});

test("cancelling the run ends the thread", async () => {
  const host = new RecordingHost("threaded");
  const cancelled = work.flowOf(async () => {
    setTimeout(() => host.controller.abort(new Error("stop")), 100);
    await work.spin.with({ timeoutMs: 60_000 })();
  });
  expect(await cancelled[FLOW].execute({}, host)).toEqual({ outcome: "cancelled" });
  expect(host.trail("spin")).toEqual(["Running#1", "Cancelled#1"]);
});

test("every log line from inside arrives before the task ends, with its task run", async () => {
  const { host } = await recorded(() => Promise.all([work.tell("a"), work.tell("b")]));
  expect(host.logs).toHaveLength(200);
  const ids = host.taskRuns("tell").map(({ taskRunId }) => taskRunId);
  expect(new Set(host.logs.map(({ taskRunId }) => taskRunId))).toEqual(new Set(ids));
  expect(host.logs[0]).toMatchObject({ logger: "tell", fields: { flow: "threaded" } });
  for (const id of ids) {
    const ofTask = host.events.filter((event) => "taskRunId" in event && event.taskRunId === id);
    const last = ofTask.findLastIndex((event) => event.kind === "log");
    expect(ofTask.slice(last + 1)).toMatchObject([{ kind: "task_run" }]);
  }
});

test("console is captured in the thread of a run that has it captured", async () => {
  const host = Object.assign(new RecordingHost("threaded"), { capturesConsole: true });
  await work.flowOf(() => work.mutter("careful"))[FLOW].execute({}, host);
  expect(host.events).toContainEqual(
    expect.objectContaining({ kind: "log", level: "warn", logger: "mutter", text: "careful" }),
  );
});

test("what is shown in a thread is shown by the run, the last of it too, without secrets of this thread", async () => {
  work.secret("hush-thread");
  const { host } = await recorded(() => work.shows("hush-thread"));
  const shown = host.events.filter(({ kind }) => kind === "artifact" || kind === "metric");
  const taskRunId = host.taskRuns("shows")[0]?.taskRunId;
  expect(shown).toMatchObject([
    { key: "rows", taskRunId, content: { rows: [["[secret]"]] } },
    { name: "rows", value: 1 },
    { key: "progress of shows #0", content: { done: 1 } },
    { key: "progress of shows #0", taskRunId, content: { done: 1000, label: "[secret]" } },
  ]);
});

test("a task called in the thread is a task of the run", async () => {
  const { host, outcome } = await recorded(() => work.nested());
  expect(outcome).toEqual({ outcome: "completed" });
  expect(host.trail("leaf")).toEqual(["Running#1", "Completed#1"]);
});

test("a result made in a thread is kept and cached where it was called from", async () => {
  const made: unknown[] = [];
  const body = async () => void made.push(await work.keptSquare(4));
  const first = await recorded(body);
  const again = await recorded(body);
  made.push(await work.keptSquare(4)); // outside a run: from the cache
  expect(first.host.trail("kept-square")).toEqual(["Running#1", "Completed#1"]);
  expect(again.host.trail("kept-square")).toEqual(["Cached#0"]);
  expect(made[0]).toMatchObject({ squared: 16 });
  expect(made[1]).toEqual(made[0]);
  expect(made[2]).toEqual(made[0]);
});

/** Runs a flow under a host with limits; what its tasks asked for, and how many slots are held at the end. */
async function limited(
  body: (recording: RecordingHost) => Promise<unknown>,
  grants: (asked: SlotRequest) => boolean,
) {
  const recording = new RecordingHost("threaded");
  const asked: SlotRequest[] = [];
  let held = 0;
  const host: RunHost = {
    run: recording.run,
    signal: recording.signal,
    event: (event) => recording.event(event),
    limitedTags: ["net"],
    acquireSlots: async (request) => {
      asked.push(request);
      if (!grants(request)) throw new Error("the lease is void");
      held += 1;
      return () => (held -= 1);
    },
  };
  const outcome = await work.flowOf(() => body(recording))[FLOW].execute({}, host);
  return { asked, held, outcome, recording };
}

test("limits hold in the thread, for the task and for those it calls", async () => {
  const { asked, held, outcome, recording } = await limited(
    () => work.mailing(2, false),
    () => true,
  );
  expect(outcome).toEqual({ outcome: "completed" });
  const ids = new Set(recording.taskRuns("mail").map(({ taskRunId }) => taskRunId));
  const [first, second] = ids;
  expect(asked.map(({ limitNames, tags }) => ({ limitNames, tags }))).toEqual([
    { limitNames: [], tags: ["net"] },
    { limitNames: ["smtp"], tags: ["net"] },
    { limitNames: ["smtp"], tags: ["net"] },
  ]);
  expect(asked.slice(1).map(({ taskRunId }) => taskRunId)).toEqual([first, second]);
  expect(recording.trail("mail").slice(0, 3)).toEqual([
    "AwaitingConcurrencySlot#1",
    "Running#1",
    "Completed#1",
  ]);
  expect(held).toBe(0);
});

test("a slot that is refused in the thread cancels its task; one whose thread is ended is given back", async () => {
  const refused = await limited(
    () => work.mailing(1, false),
    ({ limitNames }) => limitNames.length === 0,
  );
  expect(refused.recording.trail("mail").at(-1)).toBe("Cancelled#1");
  expect(refused.held).toBe(0);
  const ended = await limited(
    async (recording) => {
      const hanging = work.mailing.submit(1, true);
      await expect.poll(() => recording.trail("mail").at(-1)).toBe("Running#1");
      recording.controller.abort(new Error("stop"));
      await hanging;
    },
    () => true,
  );
  expect(ended.outcome).toEqual({ outcome: "cancelled" });
  expect(ended.held).toBe(0);
});

test("what cannot be copied fails the task", async () => {
  const call = work.square(new WeakMap() as never);
  await expect(call).rejects.toThrow("could not be cloned");
});

test("what cannot run in a thread is refused when it is defined", () => {
  expect(() => threads("./work.mjs", "square")).toThrow(
    "threads() was given the module ./work.mjs; it takes import.meta.url",
  );
  const runner = threads(import.meta.url, "stream");
  const stream = async function* () {
    yield 1;
  };
  expect(() => task({ name: "stream", runner }, stream)).toThrow('task "stream" is a generator');
});
