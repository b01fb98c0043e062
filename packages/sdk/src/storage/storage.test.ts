import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { pruneResults } from "../results/prune-results.ts";
import { directoryStorage } from "./directory-storage.ts";
import type { ResultStorage } from "./result-storage.ts";
import { s3Storage } from "./s3-storage.ts";
import { S3Server } from "./s3-server.fixture.ts";

const root = mkdtempSync(join(tmpdir(), "downbeat-storage-"));
const LEASE_MS = 5_000;
let server: S3Server;

beforeEach(async () => {
  server = await S3Server.start();
});
afterEach(() => server.stop());
afterAll(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
const aDirectory = () => join(root, String((made += 1)));
const aBucket = (prefix = "a/prefix") =>
  s3Storage({
    bucket: "results",
    prefix,
    endpoint: server.endpoint,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });

type World = {
  readonly storage: ResultStorage;
  readonly passLease: () => void;
  /** Makes the result of this key older. */
  readonly age: (key: string, byMs: number) => void;
};

const WORLDS: readonly [string, () => World][] = [
  [
    "directoryStorage",
    () => {
      const directory = aDirectory();
      const passLease = () => age(join(directory, "runs/one.lock"), LEASE_MS);
      const makeOlder = (key: string, byMs: number) => ageFile(join(directory, key), byMs);
      return { storage: directoryStorage(directory), passLease, age: makeOlder };
    },
  ],
  [
    "s3Storage",
    () => {
      const passLease = () => {
        server.nowMs = () => Date.now() + LEASE_MS;
      };
      const makeOlder = (key: string, byMs: number) => {
        const path = `results/a/prefix/${key}`;
        const stored = server.objects.get(path);
        if (stored === undefined) throw new Error(`there is no ${path}`);
        server.objects.set(path, { ...stored, modifiedAtMs: stored.modifiedAtMs - byMs });
      };
      return { storage: aBucket(), passLease, age: makeOlder };
    },
  ],
];

describe.each(WORLDS)("%s", (_, aWorld) => {
  it("gives back what was put, replaces it, and forgets what was deleted", async () => {
    const { storage } = aWorld();
    expect(await storage.get("runs/one")).toBeUndefined();
    await storage.put("runs/one", Buffer.from([1, 2, 0, 255]));
    await storage.put("runs/two", Buffer.from("two"));
    expect(Buffer.from((await storage.get("runs/one")) ?? [])).toEqual(Buffer.from([1, 2, 0, 255]));
    await storage.put("runs/one", Buffer.alloc(0));
    expect((await storage.get("runs/one"))?.byteLength).toBe(0);
    await storage.delete("runs/one");
    await storage.delete("runs/one");
    expect(await storage.get("runs/one")).toBeUndefined();
    expect(await storage.get("runs/two")).toBeDefined();
  });

  it("refuses keys that would leave it", async () => {
    const { storage } = aWorld();
    for (const key of ["../secret", "/etc/passwd", "a//b", "a/../b", ""])
      await expect(storage.get(key)).rejects.toMatchObject({ code: "definition_invalid" });
  });

  it("gives a lock to one, and to the next once that one lets go", async () => {
    const { storage } = aWorld();
    const asked = await Promise.all(
      Array.from({ length: 8 }, () => storage.lock("runs/one", LEASE_MS)),
    );
    const [first, ...more] = asked.filter((lock) => lock !== undefined);
    expect(more).toEqual([]);
    const other = await storage.lock("runs/other", LEASE_MS);
    expect(other).toBeDefined();
    await other?.release();
    expect(await first?.renew()).toBe(true);
    expect(await storage.lock("runs/one", LEASE_MS)).toBeUndefined();
    await first?.release();
    const next = await storage.lock("runs/one", LEASE_MS);
    expect(next).toBeDefined();
    await next?.release();
  });

  it("gives the lock of one that fell silent to exactly one other, and tells the first that it lost it", async () => {
    const { storage, passLease } = aWorld();
    const silent = await storage.lock("runs/one", LEASE_MS);
    passLease();
    const asked = await Promise.all(
      Array.from({ length: 8 }, () => storage.lock("runs/one", LEASE_MS)),
    );
    const [heir, ...more] = asked.filter((lock) => lock !== undefined);
    expect([heir, ...more]).toEqual([expect.anything()]);
    expect(await silent?.renew()).toBe(false);
    await silent?.release();
    expect(await storage.lock("runs/one", LEASE_MS)).toBeUndefined();
    await heir?.release();
  });
});

describe.each(WORLDS)("pruning: %s", (_, aWorld) => {
  const HOUR = 3_600_000;

  it("deletes what is old, of the part that is asked for, and leaves the rest and its locks", async () => {
    const { storage, age: makeOlder } = aWorld();
    const old = ["runs/r1/0/a", "runs/r1/0/b", "runs/r2/1/c", "cache/d"];
    for (const key of [...old, "runs/r1/0/new", "cache/new"])
      await storage.put(key, Buffer.alloc(10));
    const lock = await storage.lock("cache/d", HOUR);
    for (const key of old) makeOlder(key, 2 * HOUR);
    expect(await pruneResults(storage, { olderThanMs: HOUR, part: "cache" })).toEqual({
      count: 1,
      bytes: 10,
    });
    expect(await storage.lock("cache/d", HOUR)).toBeUndefined();
    const counted = await pruneResults(storage, { olderThanMs: HOUR, dryRun: true });
    expect(counted).toEqual({ count: 3, bytes: 30 });
    expect(await storage.get("runs/r1/0/a")).toBeDefined();
    expect(await pruneResults(storage, { olderThanMs: HOUR })).toEqual({ count: 3, bytes: 30 });
    for (const key of old) expect(await storage.get(key)).toBeUndefined();
    for (const key of ["runs/r1/0/new", "cache/new"]) expect(await storage.get(key)).toBeDefined();
    expect(await pruneResults(storage, { olderThanMs: HOUR })).toEqual({ count: 0, bytes: 0 });
    await lock?.release();
  });
});

it("refuses to prune what may be being written, and storages that cannot", async () => {
  const storage = directoryStorage(aDirectory());
  await expect(pruneResults(storage, { olderThanMs: 0 })).rejects.toThrow("olderThanMs is 0");
  expect(await pruneResults(storage, { olderThanMs: 60_000 })).toEqual({ count: 0, bytes: 0 });
  const own = Object.fromEntries(
    Object.entries(storage).filter(([name]) => !name.startsWith("prun")),
  ) as unknown as ResultStorage;
  await expect(pruneResults(own, { olderThanMs: 60_000 })).rejects.toThrow("no method prune");
  const counting = pruneResults(own, { olderThanMs: 60_000, dryRun: true });
  await expect(counting).rejects.toThrow("no method prunable");
});

it("says where a result is", () => {
  const directory = aDirectory();
  expect(directoryStorage(directory).locationOf("runs/one")).toBe(`file://${directory}/runs/one`);
  expect(aBucket().locationOf("runs/one")).toBe("s3://results/a/prefix/runs/one");
  expect(aBucket("").locationOf("runs/one")).toBe("s3://results/runs/one");
});

it("keeps files from other users, and leaves nothing half-written or locked behind", async () => {
  const directory = aDirectory();
  const storage = directoryStorage(directory);
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => storage.put("runs/one", Buffer.alloc(10_000, index))),
  );
  const bytes = (await storage.get("runs/one")) ?? [];
  expect(new Set(bytes).size).toBe(1);
  await (await storage.lock("runs/one", LEASE_MS))?.release();
  expect(readdirSync(join(directory, "runs"))).toEqual(["one"]);
  expect(statSync(join(directory, "runs/one")).mode & 0o777).toBe(0o600);
  expect(statSync(join(directory, "runs")).mode & 0o777).toBe(0o700);
});

it("passes on what the service says is wrong", async () => {
  server.failWith = 400;
  await expect(aBucket().get("runs/one")).rejects.toMatchObject({ name: "InternalError" });
  await expect(aBucket().lock("runs/one", LEASE_MS)).rejects.toMatchObject({
    name: "InternalError",
  });
});

function age(directory: string, byMs: number): void {
  for (const name of readdirSync(directory)) ageFile(join(directory, name), byMs);
}

function ageFile(path: string, byMs: number): void {
  const { atime, mtimeMs } = statSync(path);
  utimesSync(path, atime, new Date(mtimeMs - byMs));
}
