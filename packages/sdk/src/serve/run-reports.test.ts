import type { ReportItem } from "@downbeat/contract";
import { readSealedHeader } from "@downbeat/contract";
import { createOpener } from "@downbeat/seal";
import { chunkTag, openLogManifest } from "@downbeat/seal/log";
import { aCustomer } from "@downbeat/seal/testing";
import { afterEach, expect, test, vi } from "vitest";
import type { RunEvent } from "../run-host.ts";
import { ReportQueue } from "./report-queue.ts";
import { RunReports, type RunReportsOptions } from "./run-reports.ts";

afterEach(() => vi.restoreAllMocks());

const lease = {
  runId: "0198c0de-0000-7000-8000-000000000002",
  epoch: 3,
  leaseToken: "ab".repeat(16),
} as RunReportsOptions["lease"];
const { dataKey, keyring } = await aCustomer();
const opener = createOpener(keyring, { fetchDataKeys: async () => [dataKey.wrapped] });

function aLine(text: string): RunEvent {
  return { kind: "log", at: "2026-01-01T00:00:00.000Z", level: "info", logger: "f", text };
}

function someReports({ compressLogs = true } = {}) {
  const items: ReportItem[] = [];
  const call = async (_: string, { body }: { body: { items: readonly ReportItem[] } }) => {
    items.push(...body.items);
    return { outcomes: body.items.map(() => ({ status: "accepted" })) };
  };
  const queue = new ReportQueue({ client: { call } as never });
  const keys = { full: { dataKey, keyring } };
  const onFenced = () => {};
  const reports = new RunReports({ lease, keys, reports: queue, compressLogs, onFenced });
  const chunks = () => items.filter((item) => item.kind === "log");
  const manifest = async () => {
    const part = items.find((item) => item.kind === "log_manifest");
    if (part === undefined) throw new Error("No manifest was sent.");
    return (await openLogManifest(opener, lease.runId, part)).manifest;
  };
  return { queue, reports, items, chunks, manifest };
}

test("the log ends with the list of what it consists of, just before the run does", async () => {
  const { reports, items, chunks, manifest } = someReports();
  reports.take(aLine("one"));
  await vi.waitUntil(() => chunks().length === 1);
  reports.take(aLine("two"));
  await reports.end({ outcome: "completed" });
  expect(items.map(({ kind }) => kind)).toEqual(["log", "log", "log_manifest", "transition"]);
  const tags = chunks().map((chunk) => chunkTag(chunk).tag);
  expect(await manifest()).toEqual({ from: 0, tags, linesLeftOut: 0, end: true });
});

test("lines that are left out since too much waits are counted, and states are kept", async () => {
  const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const { queue, reports, items, manifest } = someReports();
  const full = vi.spyOn(queue, "isFull", "get").mockReturnValue(true);
  for (let line = 0; line < 3; line += 1) reports.take(aLine("lost"));
  const state = { type: "RUNNING", name: "Retrying" } as const;
  reports.take({ kind: "flow_state", state, attempt: 1 });
  await vi.waitUntil(() => items.length === 1);
  full.mockRestore();
  await reports.end({ outcome: "completed" });
  expect(items.map(({ kind }) => kind)).toEqual(["transition", "log_manifest", "transition"]);
  expect(await manifest()).toEqual({ from: 0, tags: [], linesLeftOut: 3, end: true });
  expect(said).toHaveBeenCalledWith(expect.stringContaining("log lines were left out"));
});

test.each([
  [true, "DEF"],
  [false, undefined],
])("with compressLogs %s a long chunk is sealed with zip %s", async (compressLogs, zip) => {
  const { reports, chunks } = someReports({ compressLogs });
  reports.take(aLine("x".repeat(2_000)));
  await reports.end({ outcome: "completed" });
  expect(readSealedHeader(String(chunks()[0]?.chunk))?.zip).toBe(zip);
});
