import type { SealedKind, WrappedDataKey } from "@downbeat/contract";
import { inspect } from "node:util";
import { CompactEncrypt, CompactSign } from "jose";
import { describe, expect, test } from "vitest";
import { createDataKey } from "./data-key.ts";
import { createOpener } from "./open.ts";
import { type SealContext, sealJson, sealText, sealToPublicKey } from "./seal.ts";
import { anOpener, aWorkspace } from "./workspace.fixture.ts";

const context = { kind: "log", dep: "f/d", run: "r1", epoch: 2, seq: 7 } as const;

describe("a blob that was moved does not open:", () => {
  test.each<[string, Partial<SealContext>]>([
    ["another run", { run: "r2" }],
    ["a later attempt", { epoch: 3 }],
    ["another place in the stream", { seq: 8 }],
    ["another deployment", { dep: "f/other" }],
    ["another field", { kind: "error" }],
  ])("%s", async (_, change) => {
    const { dataKey, opener } = await aWorkspace();
    const blob = await sealText(dataKey, context, "x");
    expect(await opener.open(blob, context)).toBe("x");
    const [field, value] = Object.entries(change)[0] ?? [];
    await expect(opener.open(blob, { ...context, ...change })).rejects.toMatchObject({
      code: "wrong_context",
      message: expect.stringMatching(new RegExp(`${String(field)} .*${String(value)}`)),
    });
  });

  test("one without the field that is expected", async () => {
    const { dataKey, opener } = await aWorkspace();
    const blob = await sealText(dataKey, { kind: "log" }, "x");
    await expect(opener.open(blob, { kind: "log", epoch: 0 })).rejects.toMatchObject({
      code: "wrong_context",
    });
  });

  test("what belongs to a task run, as another's or as its run's", async () => {
    const { dataKey, opener } = await aWorkspace();
    const ofRun = { kind: "error", run: "r1", epoch: 2 } as const;
    const places = [ofRun, { ...ofRun, task: "t1" }, { ...ofRun, task: "t2" }];
    for (const place of places) {
      const blob = await sealText(dataKey, place, "x");
      expect(await opener.open(blob, place)).toBe("x");
      for (const other of places.filter((one) => one !== place))
        await expect(opener.open(blob, other)).rejects.toMatchObject({ code: "wrong_context" });
    }
  });

  test("another workspace, even with the same key", async () => {
    const { keyring, publicKey, dataKey } = await aWorkspace("w1");
    const opener = anOpener({ ...keyring, workspaceId: "w2" }, dataKey.wrapped);
    const blobs = [
      await sealJson(dataKey, { kind: "parameters" }, 1),
      await sealToPublicKey(publicKey, { kind: "parameters" }, 1),
    ];
    for (const blob of blobs) {
      await expect(opener.open(blob, { kind: "parameters" })).rejects.toMatchObject({
        code: "wrong_context",
        message: expect.stringContaining('for ws "w1", not "w2"'),
      });
    }
  });
});

test("a header rewritten to fit the place it was moved to does not open", async () => {
  const { dataKey, opener } = await aWorkspace();
  const [header = "", ...rest] = (await sealText(dataKey, context, "x")).split(".");
  const moved = Buffer.from(header, "base64url").toString().replace('"r1"', '"r2"');
  const blob = [Buffer.from(moved).toString("base64url"), ...rest].join(".");
  await expect(opener.open(blob, { ...context, run: "r2" })).rejects.toMatchObject({
    code: "tampered",
  });
});

test("a flipped bit in nonce, content or authentication tag is found, with the cause kept", async () => {
  const { dataKey, opener } = await aWorkspace();
  const parts = (await sealText(dataKey, context, "a text")).split(".");
  for (const index of [2, 3, 4]) {
    const bytes = Buffer.from(parts[index] ?? "", "base64url");
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    const blob = parts.with(index, bytes.toString("base64url")).join(".");
    await expect(opener.open(blob, context)).rejects.toMatchObject({
      code: "tampered",
      cause: expect.objectContaining({ code: "ERR_JWE_DECRYPTION_FAILED" }),
    });
  }
  const truncated = parts.slice(0, 4).join(".");
  await expect(opener.open(truncated, context)).rejects.toMatchObject({ code: "not_sealed" });
});

test.each([
  ["plain text", () => "hello"],
  ["an empty text", () => ""],
  [
    "a signed token",
    (key: Uint8Array) => new CompactSign(key).setProtectedHeader({ alg: "HS256" }).sign(key),
  ],
])("%s is not taken for a sealed blob", async (_, make) => {
  const { opener } = await aWorkspace();
  const blob = await make(new Uint8Array(32));
  await expect(opener.open(blob, { kind: "parameters" })).rejects.toMatchObject({
    code: "not_sealed",
  });
});

test.each<[string, Record<string, unknown>]>([
  ["algorithm", { alg: "A256KW" }],
  ["encryption", { enc: "A128CBC-HS256" }],
  ["type", { typ: "JWT" }],
  ["kind of key id", { kid: 7 }],
  ["compression", { zip: "DEF" }],
])("a blob with another %s is refused before any key is used", async (_, change) => {
  const { keyring } = await aWorkspace();
  const base = {
    alg: "dir",
    enc: "A256GCM",
    typ: "dnb+jwe",
    kid: "k",
    ws: keyring.workspaceId,
    kind: "parameters",
  };
  const header = { ...base, ...change };
  const secret = new Uint8Array(32);
  const blob = await new CompactEncrypt(secret).setProtectedHeader(header).encrypt(secret);
  const opener = createOpener(keyring, {
    fetchDataKeys: () => Promise.reject(new Error("asked for a key")),
  });
  await expect(opener.open(blob, { kind: "parameters" })).rejects.toMatchObject({
    code: "not_sealed",
  });
});

describe("a data key that the host made itself", () => {
  test.each<[string, (genuineTag: string | null) => string | null]>([
    ["without a tag", () => null],
    ["with an invented tag", () => "A".repeat(43)],
    ["with a tag that is not base64url", () => "!".repeat(43)],
    ["with the tag of a genuine key", (genuineTag) => genuineTag],
  ])("%s seals parameters and nothing else", async (_, tagFor) => {
    const { keyring, publicKey, dataKey } = await aWorkspace();
    const minted = await createDataKey({ recipients: [publicKey] });
    const wrapTag = tagFor(dataKey.wrapped.wrapTag);
    const opener = anOpener(keyring, { ...minted.wrapped, wrapTag });
    const parameters = await sealJson(minted, { kind: "parameters" }, { n: 1 });
    expect(await opener.open(parameters, { kind: "parameters" })).toEqual({ n: 1 });
    const kinds: SealedKind[] = [
      "log",
      "log-manifest",
      "error",
      "entrypoint",
      "artifact",
      "event",
      "rendered-name",
    ];
    for (const kind of kinds) {
      const forged = await sealText(minted, { kind }, "forged");
      await expect(opener.open(forged, { kind })).rejects.toMatchObject({
        code: "wrap_not_authentic",
      });
    }
  });

  test("does not pass under the id of a genuine key, tag included", async () => {
    const { keyring, publicKey, dataKey } = await aWorkspace();
    const minted = await createDataKey({ recipients: [publicKey] });
    const { id, wrapTag } = dataKey.wrapped;
    const opener = anOpener(keyring, { id, wrapTag, wrap: minted.wrapped.wrap });
    const forged = await sealText({ ...minted, id }, context, "forged");
    await expect(opener.open(forged, context)).rejects.toMatchObject({ code: "wrong_context" });
  });
});

test("what was sealed straight to the public key opens as parameters and as nothing else", async () => {
  const { publicKey, opener, keyring } = await aWorkspace();
  const sealed = await sealToPublicKey(publicKey, { kind: "parameters", dep: "f/d" }, { n: 1 });
  expect(await opener.open(sealed, { kind: "parameters", dep: "f/d" })).toEqual({ n: 1 });
  const header = {
    alg: "ECDH-ES+A256KW",
    enc: "A256GCM",
    typ: "dnb+jwe",
    kid: keyring.keyId,
    ws: keyring.workspaceId,
  };
  const recipient = await crypto.subtle.importKey(
    "jwk",
    publicKey.publicJwk,
    { name: "ECDH", namedCurve: "P-256" },
    true,
    [],
  );
  const forged = await new CompactEncrypt(new TextEncoder().encode('"forged"'))
    .setProtectedHeader({ ...header, kind: "error" })
    .encrypt(recipient);
  await expect(opener.open(forged, { kind: "error" })).rejects.toMatchObject({
    code: "wrap_not_authentic",
  });
});

test("the wrong keyset says which key is needed and which is held", async () => {
  const [ours, theirs] = await Promise.all([aWorkspace(), aWorkspace()]);
  const opener = anOpener(ours.keyring, theirs.dataKey.wrapped);
  const blobs = [
    await sealJson(theirs.dataKey, { kind: "parameters" }, 1),
    await sealToPublicKey(theirs.publicKey, { kind: "parameters" }, 1),
  ];
  for (const blob of blobs) {
    await expect(opener.open(blob, { kind: "parameters" })).rejects.toMatchObject({
      code: "wrong_key",
      message: expect.stringMatching(
        new RegExp(`needs workspace key ${theirs.keyring.keyId}.* held is ${ours.keyring.keyId}`),
      ),
    });
  }
});

test("an unknown data key is named, and asked for again the next time", async () => {
  const { keyring, dataKey } = await aWorkspace();
  const stored: WrappedDataKey[] = [];
  const opener = createOpener(keyring, { fetchDataKeys: async () => stored });
  const blob = await sealText(dataKey, context, "x");
  await expect(opener.open(blob, context)).rejects.toMatchObject({
    code: "no_data_key",
    message: expect.stringContaining(dataKey.id),
  });
  stored.push(dataKey.wrapped);
  expect(await opener.open(blob, context)).toBe("x");
});

test("a bomb inside a genuine log chunk is stopped at the limit", async () => {
  const { dataKey, opener } = await aWorkspace();
  const header = {
    alg: "dir",
    enc: "A256GCM",
    typ: "dnb+jwe",
    kid: dataKey.id,
    ws: dataKey.workspaceId,
    kind: "log",
    zip: "DEF",
  };
  const bomb = new Uint8Array(64 * 1024 * 1024).fill(0x20);
  const blob = await new CompactEncrypt(bomb).setProtectedHeader(header).encrypt(dataKey.key);
  expect(blob.length).toBeLessThan(100_000);
  await expect(opener.open(blob, { kind: "log" })).rejects.toMatchObject({ code: "too_large" });
});

test("content that is not JSON is refused without quoting it", async () => {
  const { dataKey, opener } = await aWorkspace();
  const header = {
    alg: "dir",
    enc: "A256GCM",
    typ: "dnb+jwe",
    kid: dataKey.id,
    ws: dataKey.workspaceId,
    kind: "event",
  };
  for (const content of [Buffer.from("secret text"), Buffer.from([0x22, 0xff, 0x22])]) {
    const blob = await new CompactEncrypt(content).setProtectedHeader(header).encrypt(dataKey.key);
    const refusal = opener.open(blob, { kind: "event" });
    await expect(refusal).rejects.toMatchObject({ code: "not_json" });
    const shown = await refusal.catch((error: unknown) => inspect(error, { depth: null }));
    expect(shown).toContain("not_json");
    expect(shown).not.toContain("secret");
  }
});
