import { createKeyset, exportKeyset, openKeysetExport } from "@downbeat/seal";
import { expect, test } from "vitest";
import { holdsKey } from "./holds-key.ts";
import { readKeyFile } from "./read-key-file.ts";

const workspaceId = "0192aaaa-0000-7000-8000-000000000001";
const keyset = await createKeyset({ workspaceId, now: new Date(0) });

const aFile = (text: string, size = text.length) => ({
  name: "chosen.json",
  size,
  text: async () => text,
});

test("a key file is read as it is, an exported one is told apart and opens with its passphrase", async () => {
  expect(await readKeyFile(aFile(JSON.stringify(keyset)))).toEqual({ kind: "keyset", keyset });
  const text = `${await exportKeyset(keyset, "five words are quite enough")}\n`;
  expect(await readKeyFile(aFile(text))).toEqual({ kind: "export", text });
  expect(await openKeysetExport(text, "five words are quite enough")).toEqual(keyset);
});

test.each([
  ["not JSON", aFile("hello")],
  ["far too large", aFile("{}", 1_000_000)],
])("a file that is %s is refused, and nothing of it quoted", async (_, file) => {
  const reading = readKeyFile(file);
  await expect(reading).rejects.toMatchObject({ code: "bad_keyset" });
  await expect(reading).rejects.not.toThrow(/hello/);
});

test("older and prepared keys are held too", () => {
  const keys = { keyId: "now", otherKeys: [{ keyId: "before" }, { keyId: "next" }] };
  expect(["now", "before", "next", "foreign"].map((id) => holdsKey(keys, id))).toEqual([
    true,
    true,
    true,
    false,
  ]);
});
