import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  byCode,
  byInputs,
  byKey,
  directoryStorage,
  flow,
  log,
  pruneResults,
  readResult,
  s3Storage,
  task,
} from "./index.ts";

// The code blocks of docs/sdk.md on results and caching, as examples.test.ts has the others.

beforeAll(() => void vi.stubEnv("DOWNBEAT_RECORD", "off"));
afterAll(() => void vi.unstubAllEnvs());

// #region persist
export const addUpDay = task({ name: "add-up-day", persist: true }, async (day: string) => {
  return { day, mm: day.length };
});
// #endregion

test("persist: alone there is no run whose attempts could share a result", async () => {
  expect(await addUpDay("2014-07-01")).toEqual({ day: "2014-07-01", mm: 10 });
});

// #region cache
type Client = { readonly get: (city: string) => Promise<string> };

export const readForecast = task(
  {
    name: "read-forecast",
    cache: {
      key: byKey((_client: Client, city: string) => city).and(byCode()),
      ttlMs: 60 * 60 * 1_000,
    },
  },
  async (client: Client, city: string) => client.get(city),
);
// #endregion

// #region storage
const bucket = s3Storage({ bucket: "pipeline-results", prefix: "downbeat" });

export const score = task(
  { name: "score", persist: { storage: bucket }, cache: { key: byInputs(), storage: bucket } },
  async (customer: number) => customer * 2,
);

export const render = task(
  {
    name: "render",
    cache: { storage: directoryStorage("/var/cache/reports"), maxBytes: 10_000_000 },
  },
  async (report: string) => `<h1>${report}</h1>`,
);
// #endregion

// #region reading-results
export async function totalOf(location: string) {
  const rows = (await readResult(location)) as { mm: number }[];
  return rows.reduce((total, { mm }) => total + mm, 0);
}

export const tidyUp = flow({ name: "tidy-up-results" }, async () => {
  const { count, bytes } = await pruneResults(bucket, { olderThanMs: 30 * 86_400_000 });
  log.info("pruned", { count, bytes });
});
// #endregion

test("reading: what is not there is named", async () => {
  await expect(totalOf("file:///nowhere/cache/abc")).rejects.toThrow("nothing is kept there");
});

test("cache and storage: nothing is opened before a task is called", () => {
  expect([readForecast, score, render].map(({ taskName }) => taskName)).toEqual([
    "read-forecast",
    "score",
    "render",
  ]);
});
