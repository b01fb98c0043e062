import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { DownbeatError } from "@downbeat/contract";
import { z } from "zod";

const Coordinate = z.string().regex(/^[\w-]{43}$/);
const PrivateJwk = z.object({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: Coordinate,
  y: Coordinate,
  d: Coordinate,
});
const JwkSet = z.object({ keys: z.array(PrivateJwk).min(1) });

/** The keys of access tokens: the first private key signs, any public key of the set verifies. */
export type SigningKeys = {
  readonly current: { readonly keyId: string; readonly privateKey: KeyObject };
  readonly publicKeys: ReadonlyMap<string, KeyObject>;
};

/**
 * Reads the keys from a JWK set or from a file, which is made with mode 0600 when missing.
 *
 * @throws {DownbeatError} configuration_invalid when the set or the file holds anything else.
 */
export async function loadSigningKeys(source: {
  jwkSet: string | undefined;
  file: string;
}): Promise<SigningKeys> {
  if (source.jwkSet !== undefined) return parseJwkSet(source.jwkSet, "DOWNBEAT_SIGNING_KEYS");
  return parseJwkSet(await readOrCreate(source.file), source.file);
}

/** A fresh pair, for tests and for first starts. */
export function createSigningKeys(): SigningKeys {
  return parseJwkSet(createJwkSet(), "a new key");
}

function parseJwkSet(text: string, origin: string): SigningKeys {
  const { keys } = parseJson(text, origin);
  const pairs = keys.map((jwk) => {
    const privateKey = createPrivateKey({ key: jwk, format: "jwk" });
    return { keyId: thumbprint(jwk), privateKey, publicKey: createPublicKey(privateKey) };
  });
  const [current] = pairs;
  if (current === undefined) throw unusable(origin, undefined);
  return { current, publicKeys: new Map(pairs.map(({ keyId, publicKey }) => [keyId, publicKey])) };
}

function parseJson(text: string, origin: string): z.infer<typeof JwkSet> {
  try {
    return JwkSet.parse(JSON.parse(text));
  } catch (cause) {
    throw unusable(origin, cause);
  }
}

function unusable(origin: string, cause: unknown): DownbeatError {
  const message = `${origin} holds no JWK set of private P-256 keys. Correct it, or remove it to get a new key.`;
  return new DownbeatError("configuration_invalid", { message, cause });
}

// Two processes may start at once: the file is created exclusively, and whoever comes second reads it.
async function readOrCreate(file: string): Promise<string> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  try {
    await writeFile(file, createJwkSet(), { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  return readFile(file, "utf8");
}

function createJwkSet(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return `${JSON.stringify({ keys: [privateKey.export({ format: "jwk" })] })}\n`;
}

// RFC 7638: the members in this order and nothing else.
function thumbprint({ crv, kty, x, y }: z.infer<typeof PrivateJwk>): string {
  return createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
}
