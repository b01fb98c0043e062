import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, errors } from "jose";
import { parseKeyset, type WorkspaceKeyset } from "./keyset.ts";
import { SealError } from "./seal-error.ts";

const EXPORT_TYPE = "dnb-keyset+jwe";
const ALGORITHM = "PBES2-HS512+A256KW";
const ENCRYPTION = "A256GCM";

/** PBKDF2-HMAC-SHA-512; OWASP asked for 210,000 in 2023. About half a second on one core. */
const ITERATIONS = 600_000;
// A forged file must not keep the reader busy for hours.
const MOST_ITERATIONS = 10_000_000;
const SHORTEST_PASSPHRASE = 12;

/**
 * Encrypts a keyset under a passphrase: a compact JWE that any JOSE library opens with the passphrase as its key.
 *
 * @throws {SealError} `bad_passphrase` when it has fewer than 12 characters
 */
export async function exportKeyset(keyset: WorkspaceKeyset, passphrase: string): Promise<string> {
  if (passphrase.length < SHORTEST_PASSPHRASE) {
    throw new SealError(
      "bad_passphrase",
      `The passphrase has ${passphrase.length} characters; take ${SHORTEST_PASSPHRASE} or more, such as five words.`,
    );
  }
  return new CompactEncrypt(new TextEncoder().encode(JSON.stringify(await parseKeyset(keyset))))
    .setProtectedHeader({ alg: ALGORITHM, enc: ENCRYPTION, typ: EXPORT_TYPE, kid: keyset.keyId })
    .setKeyManagementParameters({ p2c: ITERATIONS })
    .encrypt(new TextEncoder().encode(passphrase));
}

/** Whether a text is an exported keyset, so that it needs a passphrase. */
export function isKeysetExport(text: string): boolean {
  try {
    return decodeProtectedHeader(text.trim()).typ === EXPORT_TYPE;
  } catch {
    return false; // no JWE at all
  }
}

/**
 * Opens what {@link exportKeyset} wrote, and checks the keyset inside.
 *
 * @throws {SealError} `bad_passphrase` when it does not open, `bad_keyset`
 */
export async function openKeysetExport(text: string, passphrase: string): Promise<WorkspaceKeyset> {
  return parseKeyset(await decryptExport(text.trim(), passphrase));
}

async function decryptExport(text: string, passphrase: string): Promise<unknown> {
  let plaintext: Uint8Array;
  try {
    const options = {
      keyManagementAlgorithms: [ALGORITHM],
      contentEncryptionAlgorithms: [ENCRYPTION],
      maxPBES2Count: MOST_ITERATIONS,
    };
    ({ plaintext } = await compactDecrypt(text, new TextEncoder().encode(passphrase), options));
  } catch (cause) {
    if (cause instanceof errors.JWEInvalid)
      throw new SealError("bad_keyset", "This is not an exported keyset.", { cause });
    throw new SealError(
      "bad_passphrase",
      "The passphrase does not open this keyset, or the file was altered.",
      { cause },
    );
  }
  try {
    return JSON.parse(new TextDecoder().decode(plaintext));
  } catch {
    // No cause: JSON.parse quotes what it fails on, and that is a secret.
    throw new SealError("bad_keyset", "The exported keyset opened, but it holds no keyset.");
  }
}
