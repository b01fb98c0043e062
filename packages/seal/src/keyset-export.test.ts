import { compactDecrypt } from "jose";
import { expect, test } from "vitest";
import { exportKeyset, isKeysetExport, openKeysetExport } from "./keyset-export.ts";
import { createKeyset } from "./keyset.ts";

const PASSPHRASE = "correct horse battery staple";
const keyset = await createKeyset({ workspaceId: "w1", now: new Date("2026-01-02T03:04:05Z") });

test("an exported keyset opens with its passphrase, here and with any JOSE library", async () => {
  const text = await exportKeyset(keyset, PASSPHRASE);
  expect(isKeysetExport(`${text}\n`)).toBe(true);
  expect(await openKeysetExport(`${text}\n`, PASSPHRASE)).toEqual(keyset);
  const { plaintext, protectedHeader } = await compactDecrypt(
    text,
    new TextEncoder().encode(PASSPHRASE),
    { maxPBES2Count: 1_000_000, keyManagementAlgorithms: ["PBES2-HS512+A256KW"] },
  );
  expect(JSON.parse(new TextDecoder().decode(plaintext))).toEqual(keyset);
  expect(protectedHeader["p2c"]).toBeGreaterThanOrEqual(210_000);
});

test("a wrong passphrase, a short one and another text are told apart", async () => {
  const text = await exportKeyset(keyset, PASSPHRASE);
  await expect(openKeysetExport(text, `${PASSPHRASE}!`)).rejects.toMatchObject({
    code: "bad_passphrase",
  });
  await expect(exportKeyset(keyset, "short")).rejects.toMatchObject({
    code: "bad_passphrase",
    message: expect.not.stringContaining("short."),
  });
  await expect(openKeysetExport("hello", PASSPHRASE)).rejects.toMatchObject({ code: "bad_keyset" });
  expect(isKeysetExport(JSON.stringify(keyset))).toBe(false);
});
