import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  createSigningKey,
  parseTrustedSigners,
  publicKeySetOf,
  readSigningKey,
  writeSigningKey,
} from "./signing-key.ts";

const now = new Date("2026-01-02T03:04:05Z");
let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "downbeat-signing-"));
  path = join(directory, "keys", "signing.json");
});
afterEach(() => rm(directory, { recursive: true }));

test("a signing key is read back as written, from a private file that is never replaced", async () => {
  const key = await createSigningKey({ now });
  await writeSigningKey(path, key);
  expect(await readSigningKey(path)).toEqual(key);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const other = await createSigningKey({ now });
  await expect(writeSigningKey(path, other)).rejects.toMatchObject({ code: "keyset_exists" });
  await chmod(path, 0o640);
  await expect(readSigningKey(path)).rejects.toMatchObject({ code: "keyset_exposed" });
});

test("a file that holds no signing key, or parts of two, is refused without quoting it", async () => {
  const [one, two] = [await createSigningKey({ now }), await createSigningKey({ now })];
  const { d } = two.privateJwk;
  for (const wrong of [{}, [], { ...one, keyId: two.keyId }, { ...one, version: 2 }, { d }]) {
    await writeFile(join(directory, "wrong.json"), JSON.stringify(wrong), { mode: 0o600 });
    const refusal = readSigningKey(join(directory, "wrong.json"));
    await expect(refusal).rejects.toMatchObject({ code: "bad_keyset" });
    await expect(refusal).rejects.not.toMatchObject({ message: expect.stringContaining(d) });
  }
});

test("signers are known by the thumbprints of their keys, whatever the set calls them", async () => {
  const [one, two] = [await createSigningKey({ now }), await createSigningKey({ now })];
  const [first, second] = [publicKeySetOf(one).keys[0], publicKeySetOf(two).keys[0]];
  const signers = await parseTrustedSigners({ keys: [{ ...first, kid: two.keyId }, second] });
  expect([...signers.keys()]).toEqual([one.keyId, two.keyId]);
});

test.each([
  ["no set", []],
  ["an empty set", { keys: [] }],
  ["an RSA key", { keys: [{ kty: "RSA", n: "AQAB", e: "AQAB" }] }],
  ["a secret", { keys: [{ kty: "oct", k: "AAAA" }] }],
  ["a key that is no point", { keys: [{ kty: "EC", crv: "P-256", x: "AA", y: "AA" }] }],
])("%s names no signers", async (_, value) => {
  await expect(parseTrustedSigners(value)).rejects.toMatchObject({ code: "bad_public_key" });
});

test("a private key among the signers is refused: it has no business on an agent", async () => {
  const { privateJwk } = await createSigningKey({ now });
  await expect(parseTrustedSigners({ keys: [privateJwk] })).rejects.toThrow("holds a private key");
});
