import { base64url, type CryptoKey } from "jose";
import { SealError } from "./seal-error.ts";

/** One attempt of a run. */
export type Attempt = { readonly run: string; readonly epoch: number };

/** What tags about empty logs are made with, and checked. */
export type EmptyLogKey = {
  readonly id: string;
  readonly workspaceId: string;
  /** HKDF: the data key's bytes. */
  readonly material: CryptoKey;
};

/** The bytes of a data key, to derive from. */
export function importMaterial(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
}

/** HMAC-SHA-256: makes and checks the tags of a data key. Costs about 0.1 ms, so derive it once. */
export function deriveEmptyLogKey({
  workspaceId,
  material,
}: Pick<EmptyLogKey, "workspaceId" | "material">): Promise<CryptoKey> {
  const text = new TextEncoder();
  const [salt, info] = [text.encode(workspaceId), text.encode("downbeat empty log")];
  const algorithm = { name: "HKDF", hash: "SHA-256", salt, info };
  const derived = { name: "HMAC", hash: "SHA-256", length: 256 };
  return crypto.subtle.deriveKey(algorithm, material, derived, false, ["sign", "verify"]);
}

/** What the tag is computed over. */
export function emptyLogInput(workspaceId: string, { run, epoch }: Attempt): string {
  return JSON.stringify([workspaceId, "empty log", run, epoch]);
}

/** The id of the data key that a tag names. */
export function dataKeyIdOf(tag: string): string {
  return tag.slice(0, tag.indexOf("."));
}

/** @throws {SealError} `tampered` unless a holder of the data key has said that this attempt logged nothing. */
export async function verifyEmptyLog(
  key: EmptyLogKey,
  tag: string,
  attempt: Attempt,
): Promise<void> {
  const given = decodeTag(tag.slice(key.id.length + 1));
  const input = new TextEncoder().encode(emptyLogInput(key.workspaceId, attempt));
  if (await crypto.subtle.verify("HMAC", await deriveEmptyLogKey(key), given, input)) return;
  throw new SealError(
    "tampered",
    `That the log of attempt ${attempt.epoch} of run ${attempt.run} is empty (key ${key.id}) was altered, or said of another one.`,
  );
}

function decodeTag(text: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(base64url.decode(text));
  } catch {
    return new Uint8Array(); // as good as no tag
  }
}
