import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { exportKeyset } from "../keyset-export.ts";
import { createKeyset } from "../keyset.ts";
import { keySourceOf } from "./key-source.ts";
import { writeKeyset } from "./keyset-file.ts";

const keyset = await createKeyset({ workspaceId: "w1", now: new Date("2026-01-02T03:04:05Z") });
const json = JSON.stringify(keyset, null, 2);
const wrapped = (text: string) => text.replaceAll(/(.{76})/g, "$1\n");

test.each([
  ["JSON", json],
  ["base64", Buffer.from(json).toString("base64")],
  ["base64 in lines", `${wrapped(Buffer.from(json).toString("base64"))}\n`],
  ["base64url", Buffer.from(json).toString("base64url")],
])("a keyset is taken from the environment as %s", async (_, keyText) => {
  const source = keySourceOf({ keyText });
  expect(await source?.read()).toEqual(keyset);
  expect(source).toMatchObject({ name: "DOWNBEAT_KEY", file: undefined });
});

test("the environment wins over a file, and without either there is no source", async () => {
  const keyFile = join(mkdtempSync(join(tmpdir(), "downbeat-source-")), "keyset.json");
  const other = await createKeyset({ workspaceId: "w1", now: new Date() });
  await writeKeyset(keyFile, other);
  expect(await keySourceOf({ keyText: json, keyFile })?.read()).toEqual(keyset);
  const file = keySourceOf({ keyFile });
  expect([file?.name, file?.file, await file?.read()]).toEqual([keyFile, keyFile, other]);
  expect(keySourceOf({})).toBeUndefined();
});

test("a source shows no secret, and neither do its errors", async () => {
  expect(inspect(keySourceOf({ keyText: json }), { depth: null, showHidden: true })).not.toContain(
    keyset.privateJwk.d,
  );
  for (const keyText of [json.slice(0, -3), "hush hush", Buffer.from("hush").toString("base64")]) {
    const error = await keySourceOf({ keyText })
      ?.read()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "bad_keyset",
      message: expect.stringMatching(/^DOWNBEAT_KEY holds neither/),
    });
    const shown = inspect(error, { depth: null });
    expect(shown).not.toMatch(/hush/);
    expect(shown).not.toContain(keyset.privateJwk.d);
  }
});

test("an exported keyset is refused, since nobody can be asked for its passphrase", async () => {
  const keyText = await exportKeyset(keyset, "five words make it long");
  await expect(keySourceOf({ keyText })?.read()).rejects.toMatchObject({
    code: "bad_keyset",
    message: expect.stringContaining("under a passphrase"),
  });
});
