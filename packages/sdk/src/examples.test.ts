import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, expectTypeOf, test, vi } from "vitest";
import { z } from "zod";
import {
  defineConfig,
  exponential,
  flow,
  log,
  NonRetriableError,
  runContext,
  runDeployment,
  serve,
  suspend,
  task,
  threads,
  transaction,
  unmapped,
} from "./index.ts";

// The code blocks of docs/sdk.md stand here, so that they compile and run. `docs.test.ts` holds the two together.

beforeAll(() => void vi.stubEnv("DOWNBEAT_RECORD", "off"));
afterAll(() => void vi.unstubAllEnvs());

// #region quick-start
const fetchDay = task(
  {
    name: "fetch-day",
    retries: 3,
    retryDelay: exponential({ firstMs: 200, factor: 2, maxMs: 5_000, jitter: 0.2 }),
    timeoutMs: 30_000,
  },
  async (day: string) => {
    log.info("fetching", { day });
    return { day, celsius: day.length };
  },
);

export const weather = flow(
  { name: "weather-report", parameters: z.object({ year: z.number().int() }) },
  async ({ year }) => {
    const days = await Promise.all([`${year}-07-01`, `${year}-07-02`].map((day) => fetchDay(day)));
    return days.length;
  },
);
// #endregion

test("quick start: the flow is called like the function it wraps", async () => {
  expect(await weather({ year: 2014 })).toBe(2);
  // @ts-expect-error the parameters are typed by the schema
  await expect(weather({ year: "2014" })).rejects.toThrow(
    'flow "weather-report" refuses its parameters: year:',
  );
});

// #region signal
export const poll = task({ name: "poll", timeoutMs: 50 }, async () => {
  const { signal } = runContext();
  await delay(60_000, undefined, { signal });
});
// #endregion

test("signal: a task that passes its signal on stops at its timeout", async () => {
  await expect(poll()).rejects.toThrow('task "poll" took longer than its timeoutMs of 50');
});

// #region suspend
export const payOut = flow({ name: "pay-out" }, async () => {
  const { approved } = await suspend({
    key: "approval",
    input: z.object({ approved: z.boolean() }),
    timeoutSeconds: 86_400,
  });
  if (approved) log.info("paying");
});
// #endregion

test("suspend: a plain script has nobody who could resume it", async () => {
  await expect(payOut()).rejects.toThrow(
    "suspend() works only in a flow that an agent or serve() runs",
  );
});

// #region retry-if
class NotFound extends Error {}

export const readRow = task(
  {
    name: "read-row",
    retries: 2,
    retryDelay: [100, 1_000],
    retryIf: (error) => !(error instanceof NotFound),
  },
  async (id: number) => {
    throw new NotFound(`no row ${id}`);
  },
);
// #endregion

test("retryIf: an error that will not go away is not retried", async () => {
  const startedAt = performance.now();
  await expect(readRow(7)).rejects.toThrow("no row 7");
  expect(performance.now() - startedAt).toBeLessThan(100);
});

// #region run-deployment
export const compareYears = flow({ name: "compare-years" }, async () => {
  const ended = await Promise.all(
    [2012, 2013].map((year) => runDeployment("seattle-weather", { parameters: { year } })),
  );
  const bad = ended.filter(({ state }) => state.type !== "COMPLETED");
  if (bad.length > 0) throw new Error(`not done: ${bad.map(({ runId }) => runId).join(", ")}`);
});
// #endregion

test("runDeployment: without a profile it says what is missing", async () => {
  vi.stubEnv("DOWNBEAT_PROFILE_FILE", "/nowhere/profile.json");
  await expect(compareYears()).rejects.toThrow("No profile is set.");
});

// #region futures
const readCity = task({ name: "read-city" }, async (city: string) => [city.length]);
const merge = task({ name: "merge" }, (lists: number[][]) => lists.flat());
const tidyUp = task({ name: "tidy-up" }, async () => log.info("tidied up"));

export const cities = flow({ name: "cities" }, async () => {
  const seattle = readCity.submit("Seattle"); // starts, and goes on beside the next lines
  const lima = readCity.submit("Lima");
  const merged = merge.submit([seattle, lima]); // waits for both, receives their lists
  await tidyUp.with({ after: [merged], runWhen: "all-done" })(); // whatever became of them
  return merged;
});
// #endregion

test("futures: tasks run beside each other and wait for what they are given", async () => {
  expect(await cities()).toEqual([7, 4]);
});

// #region map
const toFahrenheit = task(
  { name: "to-fahrenheit", renderName: "day {0.day}" },
  (reading: { day: string; celsius: number }, digits: number, skip: readonly string[]) =>
    skip.includes(reading.day) ? null : Number((reading.celsius * 1.8 + 32).toFixed(digits)),
);

export const convert = flow({ name: "convert" }, async () => {
  const readings = [
    { day: "Mon", celsius: 10 },
    { day: "Tue", celsius: 21.5 },
  ];
  return toFahrenheit.map(readings, 1, unmapped(["Mon"]), { concurrency: 20 });
});
// #endregion

test("map: results come in the order of the items", async () => {
  expect(await convert()).toEqual([null, 70.7]);
});

// #region stream
const readPages = task({ name: "read-pages", retries: 2 }, async function* (pages: number) {
  for (let page = 1; page <= pages; page += 1) yield { page, rows: page * 100 };
});

export const countRows = flow({ name: "count-rows" }, async () => {
  let rows = 0;
  for await (const page of readPages(3)) rows += page.rows;
  return rows;
});
// #endregion

test("stream: the caller reads along", async () => {
  expect(await countRows()).toBe(600);
});

// #region transaction
const stored = new Map<string, string>();
const store = task(
  { name: "store", onRollback: ({ args: [key] }) => stored.delete(key) },
  async (key: string, text: string) => void stored.set(key, text),
);

export const publish = flow({ name: "publish" }, () =>
  transaction(async (tx) => {
    tx.onCommit(() => log.info("published"));
    await store("index", "…");
    if (stored.size < 2) throw new NonRetriableError("the report is missing");
  }),
);
// #endregion

test("transaction: what was done is undone", async () => {
  await expect(publish()).rejects.toThrow("the report is missing");
  expect(stored.size).toBe(0);
});

// #region threads
export const primesBelow = task(
  { name: "primes-below", timeoutMs: 60_000, runner: threads(import.meta.url, "primesBelow") },
  (limit: number) => {
    const primes: number[] = [];
    for (let n = 2; n < limit; n += 1) if (primes.every((prime) => n % prime > 0)) primes.push(n);
    return primes.length;
  },
);
// #endregion

// `threads.test.ts` runs such tasks: a thread imports its module by itself, and this one is a test.
test("threads: the task is typed like its function", () => {
  expectTypeOf(primesBelow).returns.toEqualTypeOf<Promise<number>>();
});

// #region background
export const sendMail = task(
  { name: "send-mail", background: true, retries: 2 },
  async (address: string, subject: string) => {
    log.info("sending", { address, subject });
  },
);

export async function onNewsletter(subject: string, addresses: readonly string[]) {
  const runs = addresses.map((address) => sendMail.delay(address, subject));
  await Promise.all(runs.map(({ sent }) => sent));
  return runs.map(({ runId }) => runId);
}
// #endregion

test("background: a refused run says so", async () => {
  vi.stubEnv("DOWNBEAT_PROFILE_FILE", "/nowhere/profile.json");
  await expect(onNewsletter("Summer", ["ann@example.org"])).rejects.toThrow("No profile is set.");
});

// #region config
export const config = defineConfig({
  limits: { warehouse: { slots: 4 } },
  deployments: {
    "weather-report": { tags: ["nightly"], parameters: { year: 2014 }, limits: ["warehouse"] },
    "weather-report/europe": { pool: "eu", retry: { retriesOnCrash: 2 }, timeoutSeconds: 600 },
  },
});
// #endregion

test("defineConfig: it returns what it is given, and knows its keys", () => {
  expect(Object.keys(config.deployments ?? {})).toHaveLength(2);
  // @ts-expect-error a key that is not known
  defineConfig({ deployment: {} });
});

// #region serve
export async function serveAll() {
  const serving = await serve(weather, sendMail, { concurrency: 4 });
  await serving.stopped;
}
// #endregion

test("serve: without a profile it says what is missing; what cannot be served is named", async () => {
  vi.stubEnv("DOWNBEAT_PROFILE_FILE", "/nowhere/profile.json");
  await expect(serveAll()).rejects.toThrow("No profile is set.");
  // @ts-expect-error only flows and background tasks can be served
  await expect(serve(() => 1)).rejects.toThrow("neither a flow nor a background task");
  await expect(serve(weather, weather)).rejects.toThrow('two flows called "weather-report"');
  await expect(weather.serve({ concurrency: 0 })).rejects.toThrow("concurrency 0");
  await expect(weather.serve({ drainSeconds: Number.NaN })).rejects.toThrow("drainSeconds NaN");
});
