import type { WrappedDataKey } from "@downbeat/contract";
import { expect, test } from "vitest";
import { createDataKey } from "./data-key.ts";
import { createOpener } from "./open.ts";
import { sealText } from "./seal.ts";
import { aWorkspace } from "./workspace.fixture.ts";

async function aServer() {
  const { keyring, publicKey } = await aWorkspace();
  const recipients = [publicKey];
  const dataKeys = await Promise.all([1, 2, 3].map(() => createDataKey({ recipients, keyring })));
  const blobs = await Promise.all(dataKeys.map((key) => sealText(key, { kind: "log" }, key.id)));
  const asked: (readonly string[])[] = [];
  const fetchDataKeys = async (ids: readonly string[]): Promise<WrappedDataKey[]> => {
    asked.push([...ids]);
    return dataKeys.map(({ wrapped }) => wrapped).filter(({ id }) => ids.includes(id));
  };
  return { keyring, dataKeys, blobs, asked, opener: createOpener(keyring, { fetchDataKeys }) };
}

test("blobs opened together ask for their data keys in one call, and each key once", async () => {
  const { opener, blobs, dataKeys, asked } = await aServer();
  const ids = dataKeys.map(({ id }) => id);
  const opened = await Promise.all(
    [...blobs, ...blobs].map((blob) => opener.open(blob, { kind: "log" })),
  );
  expect(opened).toEqual([...ids, ...ids]);
  expect(asked).toEqual([ids]);
  await Promise.all(blobs.map((blob) => opener.open(blob, { kind: "log" })));
  expect(asked).toHaveLength(1);
});

test("a fetch asks for no more keys than the API answers at once", async () => {
  const { keyring, dataKeys } = await aServer();
  const [dataKey] = dataKeys;
  if (dataKey === undefined) throw new Error("no data key");
  const ids = Array.from({ length: 250 }, () => crypto.randomUUID());
  const blobs = await Promise.all(
    ids.map((id) => sealText({ ...dataKey, id }, { kind: "log" }, "x")),
  );
  const counts: number[] = [];
  const opener = createOpener(keyring, {
    fetchDataKeys: async (asked) => {
      counts.push(asked.length);
      return [];
    },
  });
  const answers = await Promise.allSettled(blobs.map((blob) => opener.open(blob, { kind: "log" })));
  expect(counts).toEqual([100, 100, 50]);
  expect(answers.every(({ status }) => status === "rejected")).toBe(true);
});

test("data keys handed over are not fetched", async () => {
  const { opener, blobs, dataKeys, asked } = await aServer();
  opener.addDataKeys(dataKeys.map(({ wrapped }) => wrapped));
  await Promise.all(blobs.map((blob) => opener.open(blob, { kind: "log" })));
  expect(asked).toEqual([]);
});

test("a broken data key that was handed over is fetched once it is needed", async () => {
  const { opener, blobs, dataKeys, asked } = await aServer();
  opener.addDataKeys(dataKeys.map(({ wrapped }) => ({ ...wrapped, wrap: "{}" })));
  await expect
    .poll(() => opener.open(blobs[0] ?? "", { kind: "log" }).catch(() => "refused"))
    .toBe(dataKeys[0]?.id);
  expect(asked).toEqual([[dataKeys[0]?.id]]);
});

test("a failed fetch reaches every waiting caller as it is, and is tried again", async () => {
  const { keyring, dataKeys, blobs } = await aServer();
  const down = new Error("the network is down");
  let isUp = false;
  const opener = createOpener(keyring, {
    fetchDataKeys: async () => {
      if (!isUp) throw down;
      return dataKeys.map(({ wrapped }) => wrapped);
    },
  });
  const answers = await Promise.allSettled(blobs.map((blob) => opener.open(blob, { kind: "log" })));
  expect(answers.map((answer) => answer.status === "rejected" && answer.reason)).toEqual([
    down,
    down,
    down,
  ]);
  isUp = true;
  expect(await opener.open(blobs[1] ?? "", { kind: "log" })).toBe(dataKeys[1]?.id);
});

test("a wrapped key that was altered is told apart from one for somebody else", async () => {
  const { keyring, dataKeys, blobs } = await aServer();
  const [dataKey] = dataKeys;
  const wrap = JSON.parse(dataKey?.wrapped.wrap ?? "") as { ciphertext: string };
  const bytes = Buffer.from(wrap.ciphertext, "base64url");
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  const altered = JSON.stringify({ ...wrap, ciphertext: bytes.toString("base64url") });
  const opener = createOpener(keyring, {
    fetchDataKeys: async ([id = ""]) => [{ id, wrap: altered, wrapTag: null }],
  });
  await expect(opener.open(blobs[0] ?? "", { kind: "log" })).rejects.toMatchObject({
    code: "tampered",
  });
});

test.each(["not JSON", "null", "[]", '{"recipients":7}', '{"recipients":[null]}'])(
  "a wrap that is %s is refused as such",
  async (wrap) => {
    const { keyring, blobs } = await aServer();
    const opener = createOpener(keyring, {
      fetchDataKeys: async ([id = ""]) => [{ id, wrap, wrapTag: null }],
    });
    await expect(opener.open(blobs[0] ?? "", { kind: "log" })).rejects.toMatchObject({
      code: "not_sealed",
    });
  },
);
