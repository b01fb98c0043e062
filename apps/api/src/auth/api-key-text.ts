import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import { DownbeatError } from "@downbeat/contract";

const PATTERN = /^(dnb_([0-9a-f]{32})_([\w-]{43}))([0-9a-f]{8})$/;

/** An API key taken apart: the id to look it up by, and the secret, of which only a hash is stored. */
export type ApiKeyParts = { readonly id: string; readonly secret: string };

/** Composes the text of a new API key for this id; the secret is 256 random bits. */
export function createApiKeyText(id: string): { readonly text: string; readonly secret: string } {
  const secret = randomBytes(32).toString("base64url");
  const body = `dnb_${id.replaceAll("-", "")}_${secret}`;
  return { text: `${body}${checksum(body)}`, secret };
}

/**
 * Takes the text of an API key apart. The checksum catches a truncated or mistyped copy without asking the database.
 *
 * @throws {DownbeatError} credentials_invalid
 */
export function parseApiKeyText(text: string): ApiKeyParts {
  const [, body = "", id = "", secret = "", sum] = PATTERN.exec(text) ?? [];
  if (sum === undefined || checksum(body) !== sum) {
    const message =
      "The API key is not complete: it must read dnb_<id>_<secret> with a matching checksum.";
    throw new DownbeatError("credentials_invalid", { message });
  }
  return { id: toUuid(id), secret };
}

/** Composes a one-time token with which one agent joins a pool. */
export function createEnrolmentTokenText(id: string): {
  readonly text: string;
  readonly secret: string;
} {
  const secret = randomBytes(32).toString("base64url");
  return { text: `dnbenrol_${id.replaceAll("-", "")}_${secret}`, secret };
}

/** Takes an enrolment token apart; the contract has checked its form. */
export function parseEnrolmentTokenText(text: string): ApiKeyParts {
  const [, id = "", ...secret] = text.split("_");
  return { id: toUuid(id), secret: secret.join("_") };
}

export function hashSecret(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

/** Compares a secret with a stored hash in constant time. */
export function secretMatches(secret: string, storedHash: Uint8Array): boolean {
  const hash = hashSecret(secret);
  return storedHash.byteLength === hash.byteLength && timingSafeEqual(hash, storedHash);
}

function toUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}
