import { WrappedDataKey } from "@downbeat/contract";
import { expect, test } from "vitest";
import { createDataKey, dataKeyIsWorn } from "./data-key.ts";
import { sealJson } from "./seal.ts";
import { anOpener, aWorkspace } from "./workspace.fixture.ts";

test("each of several recipients opens what the data key sealed", async () => {
  const [a, b, c] = await Promise.all([aWorkspace(), aWorkspace(), aWorkspace()]);
  const recipients = [a.publicKey, b.publicKey, c.publicKey];
  const dataKey = await createDataKey({ recipients });
  const blob = await sealJson(dataKey, { kind: "parameters", dep: "f/d" }, { n: 1 });
  for (const { keyring } of [a, b, c]) {
    const opener = anOpener(keyring, dataKey.wrapped);
    expect(await opener.open(blob, { kind: "parameters", dep: "f/d" })).toEqual({ n: 1 });
  }
});

test("a wrapped key fits the contract, signed or not, also for forty recipients", async () => {
  const { keyring, publicKey } = await aWorkspace();
  const signed = await createDataKey({ recipients: [publicKey], keyring });
  expect(WrappedDataKey.parse(signed.wrapped)).toEqual(signed.wrapped);
  expect(signed.wrapped.wrapTag).toMatch(/^[\w-]{43}$/);
  const recipients = Array.from({ length: 40 }, () => publicKey);
  const unsigned = await createDataKey({ recipients });
  expect(WrappedDataKey.parse(unsigned.wrapped).wrapTag).toBeNull();
});

test("nobody to open it, or keys of different workspaces, are refused", async () => {
  const [here, there] = await Promise.all([aWorkspace("w1"), aWorkspace("w2")]);
  await expect(createDataKey({ recipients: [] })).rejects.toMatchObject({ code: "bad_public_key" });
  await expect(
    createDataKey({ recipients: [here.publicKey, there.publicKey] }),
  ).rejects.toMatchObject({
    code: "wrong_context",
  });
  await expect(
    createDataKey({ recipients: [here.publicKey], keyring: there.keyring }),
  ).rejects.toMatchObject({ code: "wrong_context" });
});

test("a key swapped under a pinned id is found out before anything is sealed", async () => {
  const [ours, hostile] = await Promise.all([aWorkspace(), aWorkspace()]);
  const swapped = { ...ours.publicKey, publicJwk: hostile.publicKey.publicJwk };
  await expect(createDataKey({ recipients: [swapped] })).rejects.toMatchObject({
    code: "bad_public_key",
    message: expect.stringMatching(
      new RegExp(`${ours.publicKey.keyId}.*${hostile.publicKey.keyId}`),
    ),
  });
});

test("a data key asks to be replaced at half of what AES-GCM allows and refuses at the limit", async () => {
  const { dataKey } = await aWorkspace();
  expect(dataKeyIsWorn(dataKey)).toBe(false);
  await sealJson(dataKey, { kind: "event" }, 1);
  expect(dataKey.sealedCount).toBe(1);
  dataKey.sealedCount = 2 ** 31;
  expect(dataKeyIsWorn(dataKey)).toBe(true);
  dataKey.sealedCount = 2 ** 32;
  await expect(sealJson(dataKey, { kind: "event" }, 1)).rejects.toMatchObject({
    code: "data_key_worn",
  });
});
