import { createHash, createHmac } from "node:crypto";
import { CompactEncrypt, compactDecrypt, generalDecrypt, importJWK } from "jose";
import { expect, test } from "vitest";
import { openKeyring } from "./keyring.ts";
import { createOpener } from "./open.ts";
import { sealJson } from "./seal.ts";
import { anOpener, aWorkspace, WORKSPACE_ID } from "./workspace.fixture.ts";

// The secrets of no workspace: made for these vectors and used nowhere else.
const VECTOR_KEYSET = {
  version: 1,
  workspaceId: "0198f2a0-0000-7000-8000-000000000001",
  keyId: "_ywT-Ilxg8h0_ssANogFVweIIjyT29Sx67qaNnj3j7g",
  privateJwk: {
    kty: "EC",
    crv: "P-256",
    x: "oXLc42oi7ReS9NYfq5AN7tF1-BvnQR03K5XVyRDYpbo",
    y: "6XZY2zSUY1MwMHWK5VomRODm5zZV14jTNnXt-3R79lc",
    d: "l83UqJ9D4NZVPDGq7LcCLVQtOTAOvRnMXYNW5Ez1fVA",
  },
  indexKey: "fY56JTVI6MJucmdAXS9cySc4JLs9e3038aDeEC40HZ4",
  authKey: "kYYj6ybHmdgoTmxHGBc9RlESiKO_rQt0sBBORQajgKQ",
  createdAt: "2025-01-01T00:00:00.000Z",
};

/** Written by José 11 (`jose jwe enc`, Debian 12) with the command in docs/sealing.md. */
const WRITTEN_BY_JOSE_CLI =
  "eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImRlcCI6IndlYXRoZXIvbmlnaHRseSIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2IjoiUC0yNTYiLCJrdHkiOiJFQyIsIngiOiJlNWEwOGt5NGwyNHNqSkRlYzFkSmhaUUxWbWNKa2p6eXlfNGJ0azYzQzdzIiwieSI6Im5fbmQtMW10WElQYTkyY1Uzc3VHZTBmTUZBOGQyRElmWVFMZlMtTU5KVmMifSwia2lkIjoiX3l3VC1JbHhnOGgwX3NzQU5vZ0ZWd2VJSWp5VDI5U3g2N3FhTm5qM2o3ZyIsImtpbmQiOiJwYXJhbWV0ZXJzIiwidHlwIjoiZG5iK2p3ZSIsIndzIjoiMDE5OGYyYTAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAxIn0.cvCgstD1851egnFevXwv4ka77kttdHd3l8qz8sUhf5OSCQxFBGrkcQ.nA1qtpAkojkqe0sl.8ZgBHCi4rDOBpCWedXtnW7BJEMp2PMQbrbR6-hST6IDP.97nod3GeLC7qqZW7HO5H_w";

test("a blob written by the jose command line opens", async () => {
  const opener = anOpener(await openKeyring(VECTOR_KEYSET));
  const opened = await opener.open(WRITTEN_BY_JOSE_CLI, {
    kind: "parameters",
    dep: "weather/nightly",
  });
  expect(opened).toEqual({ station: "Seattle", year: 2012 });
});

test("a blob written with plain jose calls opens", async () => {
  const { publicKey, keyring } = await aWorkspace();
  const blob = await new CompactEncrypt(new TextEncoder().encode('{"n":1}'))
    .setProtectedHeader({
      alg: "ECDH-ES+A256KW",
      enc: "A256GCM",
      typ: "dnb+jwe",
      kid: publicKey.keyId,
      ws: WORKSPACE_ID,
      kind: "parameters",
    })
    .encrypt(await importJWK(publicKey.publicJwk, "ECDH-ES+A256KW"));
  const opener = createOpener(keyring, { fetchDataKeys: async () => [] });
  expect(await opener.open(blob, { kind: "parameters" })).toEqual({ n: 1 });
});

test("plain jose calls read what we write: unwrap the data key, then decrypt", async () => {
  const { keyset, dataKey } = await aWorkspace();
  const blob = await sealJson(dataKey, { kind: "parameters" }, { n: 1 });
  const privateKey = await importJWK(keyset.privateJwk, "ECDH-ES+A256KW");
  const { plaintext: secret } = await generalDecrypt(JSON.parse(dataKey.wrapped.wrap), privateKey);
  const { plaintext } = await compactDecrypt(blob, secret);
  expect(new TextDecoder().decode(plaintext)).toBe('{"n":1}');
});

test("the tag on a wrapped data key is plain HMAC-SHA-256 over workspace, id and hash", async () => {
  const { keyset, dataKey } = await aWorkspace();
  const { id, wrap, wrapTag } = dataKey.wrapped;
  const hash = createHash("sha256").update(wrap).digest("base64url");
  const expected = createHmac("sha256", Buffer.from(keyset.authKey, "base64url"))
    .update(`["${WORKSPACE_ID}","${id}","${hash}"]`)
    .digest("base64url");
  expect(wrapTag).toBe(expected);
});
