import { base64url } from "jose";
import type { WorkspaceKeyset } from "./keyset.ts";
import { SealError } from "./seal-error.ts";

// Crockford's alphabet: no I, L, O or U, so that nothing on paper can be read as something else.
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SECRET_BYTES = 32;
const CHECK_BYTES = 3;
const GROUP = 7;
const LENGTH = ((SECRET_BYTES + CHECK_BYTES) * 8) / 5;

/**
 * The current key's secret as 56 letters and digits in eight groups, for paper. With it `recover` rebuilds the whole keyset;
 * three bytes of it are a checksum, so that a slip of the pen is found before anything is done with it.
 */
export async function recoveryCodeOf(keyset: WorkspaceKeyset): Promise<string> {
  const secret = base64url.decode(keyset.privateJwk.d);
  const letters = toBase32(new Uint8Array([...secret, ...(await checkOf(secret))]));
  return letters.match(new RegExp(`.{${GROUP}}`, "g"))?.join("-") ?? letters;
}

/**
 * Reads a recovery code back. Case, spaces and dashes do not matter; I and L are read as 1, O as 0.
 *
 * @returns the 32 bytes of the secret
 * @throws {SealError} `bad_recovery_code`; the message never quotes it
 */
export async function parseRecoveryCode(code: string): Promise<Uint8Array> {
  const letters = code
    .toUpperCase()
    .replaceAll(/[\s-]/g, "")
    .replaceAll(/[IL]/g, "1")
    .replaceAll("O", "0");
  const odd = Array.from(letters).findIndex((letter) => !ALPHABET.includes(letter));
  if (odd !== -1) throw refused(`its character ${odd + 1} is none that a code has`);
  if (letters.length !== LENGTH)
    throw refused(`it has ${letters.length} letters and digits instead of ${LENGTH}`);
  const bytes = fromBase32(letters);
  const secret = bytes.subarray(0, SECRET_BYTES);
  const check = await checkOf(secret);
  if (check.every((byte, at) => byte === bytes[SECRET_BYTES + at])) return secret;
  throw refused("its checksum does not fit, so a character was mistaken or two were swapped");
}

function refused(why: string): SealError {
  return new SealError("bad_recovery_code", `This is not a recovery code: ${why}.`);
}

async function checkOf(secret: Uint8Array): Promise<Uint8Array> {
  const label = new TextEncoder().encode("downbeat recovery code");
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array([...label, ...secret]));
  return new Uint8Array(digest).subarray(0, CHECK_BYTES);
}

function toBase32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five, 2)]).join("");
}

function fromBase32(letters: string): Uint8Array {
  const bits = Array.from(letters, (letter) =>
    ALPHABET.indexOf(letter).toString(2).padStart(5, "0"),
  ).join("");
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (eight) => Number.parseInt(eight, 2));
}
