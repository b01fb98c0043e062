import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createKeyset } from "../keyset.ts";
import { readKeyset, writeKeyset } from "./keyset-file.ts";

const now = new Date("2026-01-02T03:04:05Z");
let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "downbeat-keyset-"));
  path = join(directory, "keys", "keyset.json");
});
afterEach(() => rm(directory, { recursive: true }));

test("a keyset is read back as written, from a private file in a private directory", async () => {
  const keyset = await createKeyset({ workspaceId: "w1", now });
  await writeKeyset(path, keyset);
  expect(await readKeyset(path)).toEqual(keyset);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(directory, "keys"))).mode & 0o777).toBe(0o700);
  expect(await readdir(join(directory, "keys"))).toEqual(["keyset.json"]);
});

test("a byte order mark before a keyset is passed over", async () => {
  const keyset = await createKeyset({ workspaceId: "w1", now });
  await writeKeyset(path, keyset);
  await writeFile(path, `\uFEFF${await readFile(path, "utf8")}`);
  expect(await readKeyset(path)).toEqual(keyset);
});

test("a keyset that stands there is never overwritten unless asked to", async () => {
  const [first, second] = await Promise.all(
    [1, 2].map(() => createKeyset({ workspaceId: "w1", now })),
  );
  if (first === undefined || second === undefined) throw new Error("no keysets");
  await writeKeyset(path, first);
  await expect(writeKeyset(path, second)).rejects.toMatchObject({ code: "keyset_exists" });
  expect(await readKeyset(path)).toEqual(first);
  await writeKeyset(path, second, { replace: true });
  expect(await readKeyset(path)).toEqual(second);
  expect(await readdir(join(directory, "keys"))).toEqual(["keyset.json"]);
});

test("of many processes that start at once exactly one keyset wins", async () => {
  const keysets = await Promise.all(
    Array.from({ length: 8 }, () => createKeyset({ workspaceId: "w1", now })),
  );
  const written = await Promise.allSettled(keysets.map((keyset) => writeKeyset(path, keyset)));
  const winners = keysets.filter((_, index) => written[index]?.status === "fulfilled");
  expect(winners).toEqual([await readKeyset(path)]);
});

test.each(["0640", "0604", "0644"])(
  "a file of mode %s is refused, saying what to do",
  async (mode) => {
    await writeKeyset(path, await createKeyset({ workspaceId: "w1", now }));
    await chmod(path, Number.parseInt(mode, 8));
    await expect(readKeyset(path)).rejects.toMatchObject({
      code: "keyset_exposed",
      message: expect.stringContaining(`${mode}); run: chmod 600 ${path}`),
    });
  },
);

test("a missing file, a directory and a broken file are told apart", async () => {
  await expect(readKeyset(path)).rejects.toMatchObject({
    code: "keyset_missing",
    message: expect.stringContaining(path),
  });
  await expect(readKeyset(directory)).rejects.toMatchObject({
    code: "keyset_unreachable",
    cause: expect.any(Error),
  });
  const broken = join(directory, "broken.json");
  await writeFile(broken, '{"authKey":"secret', { mode: 0o600 });
  await expect(readKeyset(broken)).rejects.toMatchObject({ code: "bad_keyset" });
  const shown = await readKeyset(broken).catch((error: unknown) => inspect(error, { depth: null }));
  expect(shown).toContain("bad_keyset");
  expect(shown).not.toContain("secret");
});

test("a keyset that could not be read again is not written", async () => {
  const keyset = await createKeyset({ workspaceId: "w1", now });
  await expect(writeKeyset(path, { ...keyset, authKey: "short" })).rejects.toMatchObject({
    code: "bad_keyset",
  });
  await expect(readFile(path)).rejects.toMatchObject({ code: "ENOENT" });
});
