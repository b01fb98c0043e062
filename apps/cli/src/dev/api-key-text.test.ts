import { crc32 } from "node:zlib";
import { ApiKeyText } from "@downbeat/contract";
import { expect, it } from "vitest";
import { newApiKeyText } from "./api-key-text.ts";

it("makes API keys of the agreed form, each with its own secret and a true checksum", () => {
  const texts = Array.from({ length: 200 }, newApiKeyText);
  expect(new Set(texts).size).toBe(200);
  for (const text of texts) {
    expect(ApiKeyText.safeParse(text).success).toBe(true);
    expect(Number.parseInt(text.slice(-8), 16)).toBe(crc32(text.slice(0, -8)));
  }
});
