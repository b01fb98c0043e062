import { PublicJwk } from "@downbeat/contract";
import { expect, test } from "vitest";
import { openKeyring } from "./keyring.ts";
import { keyIdOf } from "./public-key.ts";
import { createKeyset, fingerprint, parseKeyset, publicKeyOf } from "./keyset.ts";

const now = new Date("2026-01-02T03:04:05Z");

test("a keyset survives being written as JSON and read again", async () => {
  const keyset = await createKeyset({ workspaceId: "w1", now });
  expect(keyset.createdAt).toBe("2026-01-02T03:04:05.000Z");
  expect(await parseKeyset(JSON.parse(JSON.stringify(keyset)))).toEqual(keyset);
});

test("two keysets share no secret", async () => {
  const [a, b] = await Promise.all([
    createKeyset({ workspaceId: "w1", now }),
    createKeyset({ workspaceId: "w1", now }),
  ]);
  const secrets = [a, b].flatMap(({ privateJwk, indexKey, authKey }) => [
    privateJwk.d,
    indexKey,
    authKey,
  ]);
  expect(new Set(secrets).size).toBe(6);
});

test("the public key carries no private part and is one the contract takes", async () => {
  const keyset = await createKeyset({ workspaceId: "w1", now });
  const publicKey = publicKeyOf(keyset);
  expect(publicKey).toMatchObject({ workspaceId: "w1", keyId: keyset.keyId });
  expect(PublicJwk.parse(publicKey.publicJwk)).toEqual(publicKey.publicJwk);
  expect(JSON.stringify(publicKey)).not.toContain(keyset.privateJwk.d);
});

test("a fingerprint is eight hexadecimal digits of the key id", () => {
  // base64url "f0Gr" is 7f 41 ab; the vector was worked out by hand.
  expect(fingerprint(`f0GrwQ${"A".repeat(37)}`)).toBe("7F41-ABC1");
});

test.each([
  ["not an object", () => "keyset"],
  ["another version", (keyset: object) => ({ ...keyset, version: 2 })],
  ["no workspace", (keyset: object) => ({ ...keyset, workspaceId: "" })],
  ["a short index key", (keyset: object) => ({ ...keyset, indexKey: "AAAA" })],
  ["another curve", (keyset: object) => ({ ...keyset, privateJwk: { kty: "EC", crv: "P-384" } })],
])("a keyset with %s is refused without showing it", async (_, alter) => {
  const keyset = await createKeyset({ workspaceId: "w1", now });
  const refusal = openKeyring(alter(keyset));
  await expect(refusal).rejects.toMatchObject({ name: "SealError", code: "bad_keyset" });
  await expect(refusal).rejects.not.toThrow(keyset.privateJwk.d);
});

test("a keyset whose id belongs to another key is refused, naming both", async () => {
  const keyset = await createKeyset({ workspaceId: "w1", now });
  const other = await createKeyset({ workspaceId: "w1", now });
  const mixed = { ...keyset, privateJwk: other.privateJwk };
  await expect(openKeyring(mixed)).rejects.toMatchObject({
    code: "bad_keyset",
    message: expect.stringMatching(new RegExp(`${keyset.keyId}.*${other.keyId}`)),
  });
});

test("a private key that is not a point of the curve is refused, with the cause", async () => {
  const keyset = await createKeyset({ workspaceId: "w1", now });
  const broken = { ...keyset, privateJwk: { ...keyset.privateJwk, y: keyset.privateJwk.x } };
  const renamed = { ...broken, keyId: await keyIdOf(publicKeyOf(broken).publicJwk) };
  await expect(openKeyring(renamed)).rejects.toMatchObject({
    code: "bad_keyset",
    cause: expect.anything(),
  });
});
