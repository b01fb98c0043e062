import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundleSource } from "../testing/bundle-source.ts";

const PROCESSES = 50;
const directory = mkdtempSync(join(tmpdir(), "downbeat-cache-"));
const children: ChildProcess[] = [];

beforeAll(async () => {
  await bundleSource(new URL("caller.fixture.ts", import.meta.url), join(directory, "caller.mjs"));
}, 120_000);

afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

it("has one of 50 processes that ask for the same key at once make the value", async () => {
  const calls = join(directory, "calls.txt");
  const asking = await Promise.all(Array.from({ length: PROCESSES }, () => start(calls)));
  const answers = asking.map((child) => nextMessage(child));
  for (const child of asking) child.send("2014-07-01");
  const results = await Promise.all(answers);
  const [pid, ...more] = linesOf(calls);
  expect(more).toEqual([]);
  expect(results).toEqual(results.map(() => ({ day: "2014-07-01", by: Number(pid) })));
}, 120_000);

it("has another process make the value when the one that began is killed", async () => {
  const calls = join(directory, "deaths.txt");
  const doomed = await start(calls, "dies");
  const died = once(doomed, "exit");
  doomed.send("2014-07-02");
  await died;
  const asking = await Promise.all([1, 2, 3].map(() => start(calls)));
  const answers = asking.map((child) => nextMessage(child));
  for (const child of asking) child.send("2014-07-02");
  const results = await Promise.all(answers);
  const [first, second, ...more] = linesOf(calls);
  expect(first).toBe(String(doomed.pid));
  expect(more).toEqual([]);
  expect(results).toEqual(results.map(() => ({ day: "2014-07-02", by: Number(second) })));
}, 120_000);

async function start(calls: string, dies = ""): Promise<ChildProcess> {
  const args = [join(directory, "cache"), calls, dies];
  const child = fork(join(directory, "caller.mjs"), args, { execArgv: [] });
  children.push(child);
  expect(await nextMessage(child)).toBe("ready");
  return child;
}

async function nextMessage(child: ChildProcess): Promise<unknown> {
  const [message] = (await once(child, "message")) as [unknown];
  return message;
}

function linesOf(path: string): string[] {
  return readFileSync(path, "utf8").trimEnd().split("\n");
}
