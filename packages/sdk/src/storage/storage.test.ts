import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
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

type World = { readonly storage: ResultStorage; readonly passLease: () => void };

const WORLDS: readonly [string, () => World][] = [
  [
    "directoryStorage",
    () => {
      const directory = aDirectory();
      const passLease = () => age(join(directory, "runs/one.lock"), LEASE_MS);
      return { storage: directoryStorage(directory), passLease };
    },
  ],
  [
    "s3Storage",
    () => {
      const passLease = () => {
        server.nowMs = () => Date.now() + LEASE_MS;
      };
      return { storage: aBucket(), passLease };
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
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const { atime, mtimeMs } = statSync(path);
    utimesSync(path, atime, new Date(mtimeMs - byMs));
  }
}
