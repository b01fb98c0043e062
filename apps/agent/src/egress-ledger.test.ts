import { createHash } from "node:crypto";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EgressEntry } from "@downbeat/contract";
import type { Sending } from "@downbeat/client";
import { expect, test } from "vitest";
import { EgressLedger } from "./egress-ledger.ts";

const fence = {
  runId: "0198f2a0-0000-7000-8000-000000000000",
  epoch: 1,
  leaseToken: "0".repeat(32),
};

function aReport(...chunks: string[]): Sending {
  const items = chunks.map((chunk, sequence) => ({
    kind: "log",
    ...fence,
    sequence,
    lineCount: 2,
    chunk,
  }));
  const body = JSON.stringify({ items });
  const headers = { "content-type": "application/json", authorization: "Bearer token" };
  const request = { method: "POST", path: "/v1/agent/report", headers, body, signal: undefined };
  return { route: "report", input: { body: { items } }, request };
}

const newDirectory = () => mkdtempSync(join(tmpdir(), "downbeat-ledger-"));
const open = (directory: string, maxBytes = 1_000_000) =>
  EgressLedger.open({ directory, maxBytes, now: () => new Date("2026-01-05T09:00:00Z") });

function linesIn(directory: string): string[] {
  return readdirSync(directory)
    .toSorted()
    .flatMap((name) => readFileSync(join(directory, name), "utf8").split("\n").filter(Boolean));
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

test("a request is on record before it goes: what, how much, with which hashes, and nothing of it", async () => {
  const directory = newDirectory();
  const ledger = await open(directory);
  const sending = aReport("first-chunk", "second");
  await ledger.record(sending);
  const [line = ""] = linesIn(directory);
  const entry = EgressEntry.parse(JSON.parse(line));
  expect(entry).toMatchObject({
    at: "2026-01-05T09:00:00.000Z",
    route: "report",
    method: "POST",
    path: "/v1/agent/report",
    bytes: sending.request.body?.length,
    sha256: sha256(sending.request.body ?? ""),
    previous: null,
  });
  expect(entry.fields).toContainEqual({
    path: "body.items[].chunk",
    boundary: "sealed",
    count: 2,
    bytes: "first-chunksecond".length,
    sha256: sha256("first-chunk\nsecond\n"),
  });
  expect(entry.fields).toContainEqual({
    path: "body.items[].lineCount",
    boundary: "plain",
    count: 2,
    bytes: 2,
  });
  expect(entry.fields).toContainEqual({
    path: "header.authorization",
    boundary: "plain",
    count: 1,
    bytes: 12,
  });
  expect(line).not.toMatch(/first-chunk|Bearer/);
});

test("lines are chained, across a restart and a line cut short by it", async () => {
  const directory = newDirectory();
  const ledger = await open(directory);
  await Promise.all([ledger.record(aReport("a")), ledger.record(aReport("b"))]);
  appendFileSync(join(directory, "egress-00000001.jsonl"), '{"at":"20');
  await (await open(directory)).record(aReport("c"));
  const lines = linesIn(directory);
  expect(lines).toHaveLength(4);
  const previous = (at: number) => (JSON.parse(lines[at] ?? "") as EgressEntry).previous;
  expect([previous(1), previous(3)]).toEqual([sha256(lines[0] ?? ""), sha256(lines[2] ?? "")]);
});

test("the oldest goes when there is too much; only the owner may read it", async () => {
  const directory = newDirectory();
  const ledger = await open(directory, 32_000);
  for (let count = 0; count < 100; count += 1) await ledger.record(aReport(`chunk ${count}`));
  const files = readdirSync(directory);
  const sizes = files.map((name) => statSync(join(directory, name)).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(48_000);
  expect(files).not.toContain("egress-00000001.jsonl");
  expect(statSync(join(directory, files[0] ?? "")).mode & 0o077).toBe(0);
  expect(linesIn(directory).at(-1)).toContain(sha256(aReport("chunk 99").request.body ?? ""));
});

test("what cannot be recorded is not sent, and the next request is tried again", async () => {
  const directory = newDirectory();
  const ledger = await open(join(directory, "ledger"));
  rmSync(join(directory, "ledger"), { recursive: true });
  await expect(ledger.record(aReport("a"))).rejects.toMatchObject({
    code: "unavailable",
    retryable: true,
  });
  mkdirSync(join(directory, "ledger"));
  await ledger.record(aReport("b"));
  expect(linesIn(join(directory, "ledger"))).toHaveLength(1);
});
