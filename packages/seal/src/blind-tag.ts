import { base64url } from "jose";
import { canonicalJson } from "./canonical-json.ts";
import type { Keyring } from "./keyring.ts";

/**
 * A tag that shows the hosted plane that two values are equal and nothing else: HMAC-SHA-256 under the customer's index
 * key, base64url, 43 characters. Equal values give equal tags within a workspace and purpose only.
 *
 * @param purpose keeps uses apart, such as `cache-key` and `idempotency-key`.
 * @param value anything JSON can hold; the order of properties does not matter.
 * @throws {SealError} `not_json`
 */
export async function blindTag(keyring: Keyring, purpose: string, value: unknown): Promise<string> {
  const text = canonicalJson([keyring.workspaceId, purpose, value]);
  const tag = await crypto.subtle.sign("HMAC", keyring.indexKey, new TextEncoder().encode(text));
  return base64url.encode(new Uint8Array(tag));
}

/** Stands for the key of an artifact in its run; the same key in another run has another tag. */
export function artifactKeyTag(
  keyring: Keyring,
  place: { readonly run: string; readonly key: string },
): Promise<string> {
  return blindTag(keyring, "artifact-key", [place.run, place.key]);
}

/** What makes two failures the same failure. */
export type ErrorTraits = {
  class: string;
  message: string;
  /** As V8 writes it. Of this counts the innermost frame in the customer's own code. */
  stack?: string | undefined;
};

/** A blind tag that groups equal errors without showing what they say. */
export function errorFingerprint(keyring: Keyring, error: ErrorTraits): Promise<string> {
  const { message, stack } = error;
  const traits = { class: error.class, message, topFrame: topFrame(stack) };
  return blindTag(keyring, "error-fingerprint", traits);
}

// Without line and column, which move with every edit.
function topFrame(stack: string | undefined): string | undefined {
  const frames = stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  const own = frames.find((frame) => !/node:|node_modules/.test(frame));
  return own?.trim().replace(/(:\d+){1,2}\)?$/, "");
}
