import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { directoryStorage } from "@downbeat/sdk";
import { afterEach, beforeEach, expect, it } from "vitest";
import { pruneStorage } from "./prune-storage.ts";

const DAY_MS = 86_400_000;
let project: string;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), "downbeat-results-"));
  const storage = directoryStorage(join(project, "kept"));
  for (const key of ["runs/r1/0/a", "cache/b", "cache/new"])
    await storage.put(key, Buffer.alloc(10));
  const longAgo = new Date(Date.now() - 31 * DAY_MS);
  for (const key of ["runs/r1/0/a", "cache/b"])
    await utimes(join(project, "kept", key), longAgo, longAgo);
});
afterEach(() => rm(project, { recursive: true, force: true }));

const request = { parts: ["runs", "cache"], olderThanMs: 30 * DAY_MS } as const;
const left = () => readdir(join(project, "kept/cache"));

it("counts and then deletes what is old in a directory of the project", async () => {
  const counted = await pruneStorage(project, "kept", { ...request, dryRun: true });
  expect(counted).toEqual({ count: 2, bytes: 20 });
  expect(await left()).toEqual(["b", "new"]);
  const cache = { ...request, parts: ["cache"], dryRun: false } as const;
  expect(await pruneStorage(project, "kept", cache)).toEqual({ count: 1, bytes: 10 });
  expect(await left()).toEqual(["new"]);
  expect(await pruneStorage(project, "none", { ...request, dryRun: false })).toEqual({
    count: 0,
    bytes: 0,
  });
});

it("asks a storage that a module of the project exports, in a process of its own", async () => {
  await writeFile(
    join(project, "storage.mjs"),
    `export const bucket = { prunable: async (part) => ({ count: part === "runs" ? 3 : 4, bytes: 100 }) };
    setInterval(() => {}, 1_000);`,
  );
  const counting = { ...request, dryRun: true };
  expect(await pruneStorage(project, "storage.mjs#bucket", counting)).toEqual({
    count: 7,
    bytes: 200,
  });
  await expect(
    pruneStorage(project, "storage.mjs#bucket", { ...request, dryRun: false }),
  ).rejects.toThrow('exports no storage "bucket" with the method prune; its exports are: bucket');
  await expect(pruneStorage(project, "storage.mjs", counting)).rejects.toThrow(
    'exports no storage "default"',
  );
  await expect(pruneStorage(project, "gone.mjs", counting)).rejects.toThrow(
    /^There is no file "gone.mjs" inside the project /,
  );
});

it("says that there is no such project, instead of finding nothing in it", async () => {
  await expect(pruneStorage(join(project, "absent"), "kept", request as never)).rejects.toThrow(
    /^There is no project directory .*absent/,
  );
});
