import { randomUUID } from "node:crypto";
import { ApiKeyText, EnrolmentToken } from "@downbeat/contract";
import { describe, expect, it } from "vitest";
import {
  createApiKeyText,
  createEnrolmentTokenText,
  hashSecret,
  parseApiKeyText,
  parseEnrolmentTokenText,
  secretMatches,
} from "./api-key-text.ts";

describe("API key text", () => {
  it("is of the contract's form and comes apart into id and secret", () => {
    const id = randomUUID();
    const { text, secret } = createApiKeyText(id);
    expect(ApiKeyText.safeParse(text).success).toBe(true);
    expect(parseApiKeyText(text)).toEqual({ id, secret });
  });

  it("shows a truncated or mistyped copy by its checksum", () => {
    const { text } = createApiKeyText(randomUUID());
    const swapped = `${text.slice(0, 40)}${text[40] === "A" ? "B" : "A"}${text.slice(41)}`;
    for (const copy of [text.slice(0, -1), swapped, "dnb_", ""]) {
      expect(() => parseApiKeyText(copy)).toThrow(/not complete/);
    }
  });

  it("keeps underscores of an enrolment token's secret", () => {
    for (let tries = 0; tries < 50; tries += 1) {
      const id = randomUUID();
      const { text, secret } = createEnrolmentTokenText(id);
      expect(EnrolmentToken.shape.token.safeParse(text).success).toBe(true);
      expect(parseEnrolmentTokenText(text)).toEqual({ id, secret });
    }
  });

  it("matches a secret with its own hash only", () => {
    expect(secretMatches("secret", hashSecret("secret"))).toBe(true);
    expect(secretMatches("secret", hashSecret("other"))).toBe(false);
    expect(secretMatches("secret", new Uint8Array(3))).toBe(false);
  });
});
