import { createHash, createHmac } from "node:crypto";
import { CompactEncrypt, compactDecrypt, generalDecrypt, importJWK } from "jose";
import { expect, test } from "vitest";
import { createOpener } from "./open.ts";
import { sealJson } from "./seal.ts";
import { aWorkspace, WORKSPACE_ID } from "./workspace.fixture.ts";

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
