import { BlindTag } from "@downbeat/contract";
import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { blindTag, errorFingerprint } from "./blind-tag.ts";
import { aWorkspace, WORKSPACE_ID } from "./workspace.fixture.ts";

test("equal values give equal tags, in the form the contract takes", async () => {
  const { keyring } = await aWorkspace();
  const tag = await blindTag(keyring, "cache-key", { year: 2012, station: "Seattle" });
  expect(tag).toBe(await blindTag(keyring, "cache-key", { station: "Seattle", year: 2012 }));
  expect(BlindTag.parse(tag)).toBe(tag);
});

test("another value, purpose or workspace gives another tag", async () => {
  const [here, there] = await Promise.all([aWorkspace(), aWorkspace()]);
  const tags = await Promise.all([
    blindTag(here.keyring, "cache-key", "x"),
    blindTag(here.keyring, "cache-key", "y"),
    blindTag(here.keyring, "idempotency-key", "x"),
    blindTag(there.keyring, "cache-key", "x"),
    blindTag({ ...here.keyring, workspaceId: "w2" }, "cache-key", "x"),
  ]);
  expect(new Set(tags).size).toBe(5);
});

test("a tag is plain HMAC-SHA-256, so other languages can make it", async () => {
  const { keyset, keyring } = await aWorkspace();
  const expected = createHmac("sha256", Buffer.from(keyset.indexKey, "base64url"))
    .update(`["${WORKSPACE_ID}","cache-key",{"a":1,"b":[true,null]}]`)
    .digest("base64url");
  expect(await blindTag(keyring, "cache-key", { b: [true, null], a: 1 })).toBe(expected);
});

test("errors group by class, message and innermost frame of the customer's own, wherever it moves", async () => {
  const { keyring } = await aWorkspace();
  const stackWith = (frame: string): string =>
    `TypeError: no rows\n    at assert (node:assert:1:1)\n    at f (/a/node_modules/b.js:2:2)\n    at ${frame}`;
  const error = { class: "TypeError", message: "no rows", stack: stackWith("load (flow.ts:3:9)") };
  const tag = await errorFingerprint(keyring, error);
  for (const stack of [stackWith("load (flow.ts:30:1)"), `${error.stack}\n    at main (x.ts:1)`])
    expect(await errorFingerprint(keyring, { ...error, stack })).toBe(tag);
  const others = [
    { ...error, class: "RangeError" },
    { ...error, message: "few rows" },
    { ...error, stack: undefined },
    { ...error, stack: stackWith("store (flow.ts:3:9)") },
  ];
  for (const other of others) expect(await errorFingerprint(keyring, other)).not.toBe(tag);
});
