import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { bytesSerializer, readResult, s3Storage, task, type ResultSerializer } from "../index.ts";
import type { PersistOptions } from "../index.ts";
import { S3Server } from "../storage/s3-server.fixture.ts";
import { attempt } from "./attempt.fixture.ts";
import { makeScratch, type Scratch } from "./scratch.fixture.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

/** Keeps a value as the result of a task; the note that its run got. */
async function kept(value: unknown, persist: PersistOptions) {
  const work = task({ name: "work", persist }, async () => value);
  const { host } = await attempt(() => work());
  const pointer = host.taskRuns("work").at(-1)?.result;
  if (pointer === undefined) throw new Error("nothing was kept");
  return pointer;
}

it("reads a kept result by its note or its location alone, whichever serializer wrote it", async () => {
  const { storage } = scratch;
  const value = { day: new Date(0), rows: new Map([["a", 1n]]) };
  const pointer = await kept(value, { storage });
  expect(await readResult(pointer)).toEqual(value);
  expect(await readResult(pointer.location)).toEqual(value);
  const bytes = await kept(Buffer.from("raw"), { storage, serializer: bytesSerializer });
  expect(await readResult(bytes)).toEqual(Buffer.from("raw"));
  const upper: ResultSerializer = {
    name: "upper",
    serialize: (text) => Buffer.from(String(text)),
    deserialize: (read) => Buffer.from(read).toString().toUpperCase(),
  };
  const own = await kept("mine", { storage, serializer: upper });
  await expect(readResult(own)).rejects.toThrow('written by serializer "upper"');
  expect(await readResult(own, { serializer: upper })).toBe("MINE");
});

it("reads from a bucket, of an S3-compatible service with its storage", async () => {
  const server = await S3Server.start();
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const place = { prefix: "a/b", endpoint: server.endpoint, credentials };
  const storage = s3Storage({ ...place, bucket: "results" });
  const pointer = await kept([1, 2], { storage });
  expect(pointer.location).toMatch(/^s3:\/\/results\/a\/b\/runs\//);
  expect(await readResult(pointer, { storage })).toEqual([1, 2]);
  const elsewhere = s3Storage({ ...place, bucket: "other" });
  await expect(readResult(pointer, { storage: elsewhere })).rejects.toMatchObject({
    code: "result_missing",
    message: expect.stringContaining("it is not in this storage"),
  });
  await server.stop();
});

it("says of what it cannot read why", async () => {
  const { storage, directory } = scratch;
  const { location } = await kept(1, { storage });
  writeFileSync(new URL(location), "damaged");
  await expect(readResult(location)).rejects.toMatchObject({ code: "result_unreadable" });
  await storage.delete(location.slice(pathToFileURL(directory).href.length + 1));
  await expect(readResult(location)).rejects.toMatchObject({ code: "result_missing" });
  for (const other of ["", "/etc/passwd", "file:///etc/passwd", "https://x.example/cache/a"])
    await expect(readResult(other)).rejects.toMatchObject({ code: "result_missing" });
});
