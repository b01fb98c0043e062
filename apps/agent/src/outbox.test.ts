import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import type { LogItem } from "@downbeat/contract";
import { afterEach, expect, test } from "vitest";
import { Outbox } from "./outbox.ts";
import { Store } from "./store.ts";

const stores: Store[] = [];

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
});

function aDirectory(): string {
  return mkdtempSync(join(tmpdir(), "downbeat-outbox-"));
}

async function open(
  directory: string,
  maxBytes = 1_000_000,
): Promise<{ store: Store; outbox: Outbox }> {
  const store = await Store.open(directory, (error) => {
    throw error;
  });
  stores.push(store);
  return { store, outbox: await Outbox.open({ store, maxBytes }) };
}

async function close(store: Store): Promise<void> {
  stores.splice(stores.indexOf(store), 1);
  await store.close();
}

function item(sequence: number, size = 10): LogItem {
  const chunk = "x".repeat(size) as LogItem["chunk"];
  return {
    kind: "log",
    runId: randomUUID(),
    epoch: 1,
    leaseToken: "0".repeat(32),
    sequence,
    lineCount: 1,
    chunk,
  };
}

const ALL = { limit: 10_000, maxBytes: 1e9 };

async function sequences(outbox: Outbox, options = ALL): Promise<number[]> {
  return (await outbox.read(options)).map(({ item: { kind, ...rest } }) =>
    kind === "log" && "sequence" in rest ? rest.sequence : -1,
  );
}

test("items are read in the order in which they were put, until they are acknowledged", async () => {
  const { outbox } = await open(aDirectory());
  await Promise.all([outbox.put([item(0), item(1)]), outbox.put([item(2)])]);
  expect(await sequences(outbox)).toEqual([0, 1, 2]);
  expect(await sequences(outbox, { limit: 2, maxBytes: 1e9 })).toEqual([0, 1]);
  await outbox.acknowledge((await outbox.read(ALL)).slice(0, 2));
  expect(await sequences(outbox)).toEqual([2]);
  expect(outbox.size).toBe(1);
});

test("a batch is bounded by bytes, but an item larger than that still goes", async () => {
  const { outbox } = await open(aDirectory());
  await outbox.put([item(0, 5_000), item(1, 5_000), item(2, 5_000)]);
  expect(await sequences(outbox, { limit: 500, maxBytes: 11_000 })).toEqual([0, 1]);
  expect(await sequences(outbox, { limit: 500, maxBytes: 10 })).toEqual([0]);
});

test("what a predecessor left is found, in order, before what comes new", async () => {
  const directory = aDirectory();
  const first = await open(directory);
  for (let sequence = 0; sequence < 2_500; sequence += 1) void first.outbox.put([item(sequence)]);
  await first.outbox.put([item(2_500)]);
  await first.outbox.acknowledge((await first.outbox.read(ALL)).slice(0, 500));
  await close(first.store);
  const { outbox } = await open(directory);
  await outbox.put([item(2_501)]);
  const found = await sequences(outbox);
  expect(found).toEqual(Array.from({ length: 2_002 }, (_, at) => at + 500));
  expect(outbox.size).toBe(2_002);
});

test("an outbox larger than its window in memory is delivered whole and in order", async () => {
  const { outbox } = await open(aDirectory(), 1e9);
  const count = 80;
  for (let sequence = 0; sequence < count; sequence += 1)
    await outbox.put([item(sequence, 600_000)]);
  const delivered: number[] = [];
  while (outbox.size > 0) {
    const entries = await outbox.read({ limit: 6, maxBytes: 4e6 });
    delivered.push(...entries.map((entry) => (entry.item as LogItem).sequence));
    await outbox.acknowledge(entries);
    if (delivered.length === 36) await outbox.put([item(count)]);
  }
  expect(delivered).toEqual(Array.from({ length: count + 1 }, (_, at) => at));
});

test("what is delivered before what came earlier is gone, also for one who reads from the beginning", async () => {
  const { outbox } = await open(aDirectory());
  await outbox.put(Array.from({ length: 9 }, (_, sequence) => item(sequence)));
  const [first, second] = [
    await outbox.read({ limit: 3, maxBytes: 1e9 }),
    await outbox.read({ limit: 3, maxBytes: 1e9, from: 3 }),
  ];
  await outbox.acknowledge(second);
  expect(await sequences(outbox)).toEqual([0, 1, 2, 6, 7, 8]);
  await outbox.acknowledge(first);
  expect(await sequences(outbox)).toEqual([6, 7, 8]);
  expect(outbox.hasReady(9)).toBe(false);
});

test("it says when it is full, takes items all the same, and is free again after delivery", async () => {
  const { outbox } = await open(aDirectory(), 2_000);
  await outbox.put([item(0, 3_000)]);
  expect(outbox.isFull).toBe(true);
  await outbox.put([item(1)]);
  expect(await sequences(outbox)).toEqual([0, 1]);
  await outbox.acknowledge(await outbox.read(ALL));
  expect([outbox.isFull, outbox.bytes, outbox.size]).toEqual([false, 0, 0]);
});

test("a second process cannot open it and is told why", async () => {
  const directory = aDirectory();
  await open(directory);
  await expect(open(directory)).rejects.toMatchObject({ code: "data_directory_in_use" });
});

test("after SIGKILL everything that was acknowledged as put is still there", async () => {
  const directory = aDirectory();
  const require = createRequire(import.meta.url);
  const script = join(aDirectory(), "writer.mts");
  writeFileSync(script, writerSource(directory));
  const writer = spawn(
    process.execPath,
    ["--conditions=source", "--import", pathToFileURL(require.resolve("tsx")).href, script],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let acknowledged = -1;
  for await (const line of createInterface({ input: writer.stdout })) {
    acknowledged = Number(line);
    if (acknowledged >= 300) writer.kill("SIGKILL");
  }
  await (writer.signalCode === null ? once(writer, "exit") : undefined);
  expect(acknowledged).toBeGreaterThanOrEqual(300);
  const found = await sequences((await open(directory)).outbox);
  expect(found.slice(0, acknowledged + 1)).toEqual(
    Array.from({ length: acknowledged + 1 }, (_, at) => at),
  );
});

/** Puts items one by one and prints each sequence once its put has resolved. */
function writerSource(directory: string): string {
  const module = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  return `
    import { Outbox } from ${module("./outbox.ts")};
    import { Store } from ${module("./store.ts")};
    const store = await Store.open(${JSON.stringify(directory)}, () => process.exit(9));
    const outbox = await Outbox.open({ store, maxBytes: 1e9 });
    const put = async (sequence) => {
      await outbox.put([{ kind: "log", runId: "r", epoch: 1, leaseToken: "t", sequence, lineCount: 1, chunk: "x".repeat(200) }]);
      process.stdout.write(sequence + "\\n");
    };
    for (let from = 0; ; from += 10) await Promise.all(Array.from({ length: 10 }, (_, at) => put(from + at)));
  `;
}
