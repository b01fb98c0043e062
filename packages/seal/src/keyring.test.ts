import { expect, test } from "vitest";
import { blindTag } from "./blind-tag.ts";
import { sealText } from "./seal.ts";
import { anOpener, aWorkspace } from "./workspace.fixture.ts";

test("no key of a keyring or data key can be read out", async () => {
  const { keyring, dataKey } = await aWorkspace();
  const keys = [keyring.privateKey, keyring.authKey, keyring.indexKey, dataKey.key];
  for (const key of keys) {
    expect(key.extractable).toBe(false);
    await expect(crypto.subtle.exportKey("jwk", key)).rejects.toThrow("not extractable");
  }
});

test("a keyring that was stored as a structured clone still opens and tags", async () => {
  const { keyring, dataKey } = await aWorkspace();
  const stored = structuredClone(keyring);
  const blob = await sealText(dataKey, { kind: "rendered-name", run: "r1" }, "load-acme");
  const opener = anOpener(stored, dataKey.wrapped);
  expect(await opener.open(blob, { kind: "rendered-name", run: "r1" })).toBe("load-acme");
  expect(await blindTag(stored, "cache-key", 1)).toBe(await blindTag(keyring, "cache-key", 1));
});
