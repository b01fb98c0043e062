import { randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSealedHeader, type Lease, type LogManifestItem } from "@downbeat/contract";
import { createOpener } from "@downbeat/seal";
import { chunkTag, findLogFlaws, openLogManifest } from "@downbeat/seal/log";
import { aCustomer } from "@downbeat/seal/testing";
import { afterEach, expect, test, vi } from "vitest";
import { anAgentWorld } from "./agent.fixture.ts";
import type { FakeRun } from "./fake-report.fixture.ts";
import { RunEgress } from "./egress.ts";
import { Journal } from "./journal.ts";
import { createLogger } from "./logger.ts";
import { Outbox } from "./outbox.ts";
import { Sealer } from "./sealer.ts";
import { startAgent } from "./start-agent.ts";
import { Store } from "./store.ts";
import { tellEmptyLog } from "./tell-empty-log.ts";

const FLOWS = `
import { flow, log } from "@downbeat/sdk";
const chat = async () => { for (let line = 0; line < 4000; line += 1) log.info("line " + line + " " + "x".repeat(50)); };
export const chatty = flow({ name: "chatty" }, chat);
export const plain = flow({ name: "plain", compressLogs: false }, chat);
export const silent = flow({ name: "silent" }, async () => {});
export const sleeps = flow({ name: "sleeps" }, async () => { log.info("asleep"); await new Promise((resolve) => setTimeout(resolve, 120_000)); });
`;

const cleanUp: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).toReversed()) await clean();
});

async function start() {
  const world = await anAgentWorld(FLOWS);
  cleanUp.push(() => world.plane.close());
  const agent = await startAgent(world.config);
  cleanUp.push(() => agent.kill());
  /** What a reader would have to say about what arrived. */
  const flaws = async ({ lease, logs, manifests }: FakeRun) => {
    const opened = manifests.map((part) => openLogManifest(world.opener, lease.runId, part));
    return findLogFlaws({
      chunks: logs.map(chunkTag),
      manifests: await Promise.all(opened),
      lastEpoch: lease.epoch,
      isOver: true,
    }).map(({ title }) => title);
  };
  return { ...world, agent, flaws };
}

function ended(run: FakeRun): Promise<unknown> {
  return vi.waitUntil(() => ["COMPLETED", "FAILED", "CRASHED"].includes(run.type), {
    timeout: 20_000,
  });
}

test("a run's log ends with a sealed list of its chunks, or a tag when there are none", async () => {
  const { offer, flaws } = await start();
  const [chatty, silent] = [await offer("chatty"), await offer("silent")];
  await Promise.all([ended(chatty), ended(silent)]);
  expect(chatty.logs.length).toBeGreaterThan(2);
  expect(await flaws(chatty)).toEqual([]);
  expect(await flaws(silent)).toEqual([]);
  expect(chatty.manifests).toMatchObject([{ manifest: expect.any(String) as string }]);
  expect(silent.manifests).toMatchObject([{ manifest: null }]);
  chatty.logs.splice(1, 1);
  expect(await flaws(chatty)).toEqual([expect.stringMatching(/^chunk \d+ is missing$/)]);
});

test("the log of a process that was killed ends as well", async () => {
  const { offer, flaws, agent } = await start();
  const run = await offer("sleeps");
  await vi.waitUntil(() => run.logs.length > 0, { timeout: 20_000 });
  await agent.kill();
  await ended(run);
  expect(run.type).toBe("CRASHED");
  expect(await flaws(run)).toEqual([]);
});

test("an empty log whose run was ended by others is told of by itself", async () => {
  const { keyring } = await aCustomer();
  const directory = mkdtempSync(join(tmpdir(), "downbeat-empty-"));
  const store = await Store.open(directory, (error) => expect.unreachable(String(error)));
  cleanUp.push(() => store.close());
  const outbox = await Outbox.open({ store, maxBytes: 1_000_000 });
  const parts = { outbox, sealer: await Sealer.create(keyring), logger: createLogger("silent") };
  const lease = { runId: randomUUID(), epoch: 1, leaseToken: "ab".repeat(16) };
  const egress = new RunEgress(
    { ...parts, journal: new Journal(store), now: () => new Date() },
    lease as Lease,
  );
  await egress.end({ type: "COMPLETED", name: "Completed", reason: "completed" });
  const all = { limit: 10, maxBytes: 1_000_000 };
  const [end, ...more] = await outbox.read(all);
  expect([end?.item.kind, more]).toEqual(["transition", []]);
  if (end === undefined) return;
  await outbox.acknowledge([end]);
  const answer = { state: null, waitSeconds: null };
  await tellEmptyLog(parts, end.item, { ...answer, status: "accepted" });
  expect(await outbox.read(all)).toEqual([]);
  await tellEmptyLog(parts, end.item, { ...answer, status: "rejected" });
  const told = (await outbox.read(all)).map(({ item }) => item);
  expect(told).toMatchObject([{ kind: "log_manifest", part: 0, ...lease }]);
  const opener = createOpener(keyring, {
    fetchDataKeys: async () => [parts.sealer.wrappedDataKey],
  });
  const opened = await openLogManifest(opener, lease.runId, told[0] as LogManifestItem);
  expect(opened.manifest).toEqual({ from: 0, tags: [], linesLeftOut: 0, end: true });
});

test("lines that the full outbox left no room for are counted in it", async () => {
  const { keyring, dataKey } = await aCustomer();
  const opener = createOpener(keyring, { fetchDataKeys: async () => [dataKey.wrapped] });
  const directory = mkdtempSync(join(tmpdir(), "downbeat-full-"));
  const store = await Store.open(directory, (error) => expect.unreachable(String(error)));
  cleanUp.push(() => store.close());
  const outbox = await Outbox.open({ store, maxBytes: -1 });
  const lease = { runId: randomUUID(), epoch: 1, leaseToken: "ab".repeat(16) } as Lease;
  const parts = { outbox, journal: new Journal(store), sealer: await Sealer.create(keyring) };
  const logger = createLogger("silent");
  const egress = new RunEgress({ ...parts, logger, now: () => new Date() }, lease);
  for (let line = 0; line < 5; line += 1)
    egress.line({ level: "info", logger: "f", text: "no room" });
  await egress.end({ type: "COMPLETED", name: "Completed", reason: "completed" });
  const items = (await outbox.read({ limit: 10, maxBytes: 1_000_000 })).map(({ item }) => item);
  // The one chunk says so in the log itself.
  expect(items.map(({ kind }) => kind)).toEqual(["log", "log_manifest", "transition"]);
  opener.addDataKeys([parts.sealer.wrappedDataKey]);
  const [part] = items.filter((item) => item.kind === "log_manifest");
  const opened = part && (await openLogManifest(opener, lease.runId, part));
  expect(opened?.manifest).toMatchObject({ linesLeftOut: 5, end: true });
});

test("a flow can have its log sealed as it is", async () => {
  const { offer } = await start();
  const [chatty, plain] = [await offer("chatty"), await offer("plain")];
  await Promise.all([ended(chatty), ended(plain)]);
  const zips = (run: FakeRun) => new Set(run.logs.map(({ chunk }) => readSealedHeader(chunk)?.zip));
  expect(zips(chatty)).toEqual(new Set(["DEF"]));
  expect(zips(plain)).toEqual(new Set([undefined]));
});
