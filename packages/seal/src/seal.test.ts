import { readSealedHeader, refuseUnsealed, SEALED_KINDS } from "@downbeat/contract";
import { expect, test } from "vitest";
import { sealJson, sealText, sealToPublicKey } from "./seal.ts";
import { aWorkspace } from "./workspace.fixture.ts";

const place = {
  dep: "weather/nightly",
  run: "0198f2a0-0000-7000-8000-00000000000a",
  epoch: 2,
  seq: 7,
};
const lines = Array.from({ length: 20 }, (_, n) => ({
  at: "2026-01-02T03:04:05Z",
  text: `marker-row-5f1c9a ${n} ü ✓`,
}));

test.each(SEALED_KINDS)(
  "kind %s round-trips, and the contract accepts it as sealed",
  async (kind) => {
    const { dataKey, opener } = await aWorkspace();
    const context = { kind, ...place };
    const blob = await sealJson(dataKey, context, lines);
    expect(refuseUnsealed(blob, kind)).toBeUndefined();
    expect(blob).not.toContain("marker-row");
    expect(await opener.open(blob, context)).toEqual(lines);
  },
);

test("texts, empty values and JSON's corner cases come back the same", async () => {
  const { dataKey, opener } = await aWorkspace();
  const context = { kind: "artifact", run: "r1" } as const;
  for (const value of [
    "",
    "null",
    null,
    0,
    false,
    [],
    {},
    "\u0000 \u2028 😀",
    1e308,
    { __proto__: null },
  ]) {
    expect(await opener.open(await sealJson(dataKey, context, value), context)).toEqual(value);
  }
  expect(await opener.open(await sealText(dataKey, context, '{"a":1}'), context)).toBe('{"a":1}');
});

test("the header names key, workspace, kind and every field of the context, and nothing more", async () => {
  const { dataKey, publicKey } = await aWorkspace();
  const header = readSealedHeader(await sealJson(dataKey, { kind: "error", ...place }, "x"));
  const { id: kid, workspaceId: ws } = dataKey;
  expect(header).toEqual({
    alg: "dir",
    enc: "A256GCM",
    typ: "dnb+jwe",
    kid,
    ws,
    kind: "error",
    ...place,
  });
  const direct = readSealedHeader(await sealToPublicKey(publicKey, { kind: "parameters" }, "x"));
  expect(direct).toMatchObject({
    alg: "ECDH-ES+A256KW",
    kid: publicKey.keyId,
    ws,
    kind: "parameters",
  });
});

test("equal content seals to different text each time", async () => {
  const { dataKey } = await aWorkspace();
  const blobs = await Promise.all(
    Array.from({ length: 100 }, () => sealText(dataKey, { kind: "rendered-name" }, "same")),
  );
  expect(new Set(blobs).size).toBe(100);
  expect(new Set(blobs.map((blob) => blob.split(".")[2])).size).toBe(100);
});

test("only logs are deflated, only when long enough, and not when told otherwise", async () => {
  const { dataKey } = await aWorkspace();
  const zipOf = async (...input: Parameters<typeof sealJson>) =>
    readSealedHeader(await sealJson(...input))?.zip;
  const long = [...lines, ...lines];
  expect(await zipOf(dataKey, { kind: "log" }, long)).toBe("DEF");
  expect(await zipOf(dataKey, { kind: "log" }, long, { compress: false })).toBeUndefined();
  expect(await zipOf(dataKey, { kind: "log" }, lines)).toBeUndefined();
  expect(await zipOf(dataKey, { kind: "parameters" }, long, { compress: true })).toBeUndefined();
});

test("what JSON cannot hold is refused, with the cause", async () => {
  const { dataKey } = await aWorkspace();
  for (const value of [undefined, () => 1, 10n]) {
    await expect(sealJson(dataKey, { kind: "event" }, value)).rejects.toMatchObject({
      code: "not_json",
    });
  }
  await expect(sealJson(dataKey, { kind: "event" }, 10n)).rejects.toMatchObject({
    cause: expect.any(TypeError),
  });
});

test("a log chunk no reader would inflate is refused by the writer", async () => {
  const { dataKey, opener } = await aWorkspace();
  const largest = "x".repeat(4 * 1024 * 1024 - 2); // and two quotation marks
  const blob = await sealText(dataKey, { kind: "log" }, largest);
  expect(await opener.open(blob, { kind: "log" })).toBe(largest);
  await expect(sealText(dataKey, { kind: "log" }, `${largest}x`)).rejects.toMatchObject({
    code: "too_large",
  });
});
