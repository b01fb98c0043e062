import type { Sealed, SealedHeader, SealedKind } from "@downbeat/contract";
import { CompactEncrypt, type CryptoKey } from "jose";
import { countSealed, type DataKey } from "./data-key.ts";
import { importPublicKey, type WorkspacePublicKey } from "./public-key.ts";
import { SealError } from "./seal-error.ts";

export const SEALED_TYPE = "dnb+jwe";

/** The most a log chunk may hold before compression, in bytes; readers refuse to inflate more. */
export const MAX_LOG_BYTES = 4 * 1024 * 1024;

// Below this, deflating (300 µs in Node's CompressionStream) costs more than twice the sealing and saves about one packet.
const MIN_DEFLATE_BYTES = 2048;

/** Where a blob belongs. Every field given is bound to the content; a reader that expects another value refuses. */
export type SealContext<K extends SealedKind = SealedKind> = {
  readonly kind: K;
  /** "flow/deployment" that parameters and entrypoints are meant for. */
  readonly dep?: string | undefined;
  readonly run?: string | undefined;
  /** Of what belongs to a task run: its id. What was sealed with one opens for nothing else, nor the other way round. */
  readonly task?: string | undefined;
  /** Of an input: the key of the pause point that it is given to. */
  readonly point?: string | undefined;
  /** Of parameters: the W3C `traceparent` of the call that triggers the run, in clear. */
  readonly trace?: string | undefined;
  readonly epoch?: number | undefined;
  readonly seq?: number | undefined;
};

export type SealOptions = {
  /**
   * Deflates logs of 2 KiB or more; other kinds are never compressed. Default true. Turn it off where lines that an outsider can choose
   * share a chunk with secrets: the compressed length then tells about the secret.
   */
  readonly compress?: boolean | undefined;
};

/**
 * Seals a JSON value with a data key.
 *
 * @throws {SealError} `not_json` for a value JSON cannot hold, `too_large` for a log chunk over 4 MiB, `data_key_worn`
 */
export async function sealJson<K extends SealedKind>(
  dataKey: DataKey,
  context: SealContext<K>,
  value: unknown,
  options: SealOptions = {},
): Promise<Sealed<K>> {
  const plaintext = encodeJson(context, value);
  const deflate =
    context.kind === "log" &&
    options.compress !== false &&
    plaintext.byteLength >= MIN_DEFLATE_BYTES;
  const zip = deflate ? "DEF" : undefined;
  const header = { alg: "dir", kid: dataKey.id, ws: dataKey.workspaceId, zip } as const;
  countSealed(dataKey);
  return encrypt(plaintext, buildHeader(header, context), dataKey.key);
}

/** Seals a text with a data key; it opens to the same string. See `sealJson`. */
export function sealText<K extends SealedKind>(
  dataKey: DataKey,
  context: SealContext<K>,
  text: string,
  options: SealOptions = {},
): Promise<Sealed<K>> {
  return sealJson(dataKey, context, text, options);
}

/**
 * Seals parameters or an input straight to a workspace's public key, for callers without a data key. Costs about a millisecond and
 * a half each time. Compare `publicKey.keyId` with an id you got out of band: a hostile host could offer its own key.
 *
 * @throws {SealError} `bad_public_key`, `not_json`
 */
export async function sealToPublicKey<K extends "parameters" | "input">(
  publicKey: WorkspacePublicKey,
  context: SealContext<K>,
  value: unknown,
): Promise<Sealed<K>> {
  const plaintext = encodeJson(context, value);
  const key = await importPublicKey(publicKey);
  const header = {
    alg: "ECDH-ES+A256KW",
    kid: publicKey.keyId,
    ws: publicKey.workspaceId,
  } as const;
  return encrypt(plaintext, buildHeader(header, context), key);
}

function encodeJson(context: SealContext, value: unknown): Uint8Array {
  const plaintext = new TextEncoder().encode(stringify(context, value));
  if (context.kind === "log" && plaintext.byteLength > MAX_LOG_BYTES) {
    throw new SealError(
      "too_large",
      `A log chunk of ${plaintext.byteLength} bytes cannot be sealed; split it below ${MAX_LOG_BYTES}.`,
    );
  }
  return plaintext;
}

function stringify(context: SealContext, value: unknown): string {
  let text: string | undefined;
  let cause: unknown;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    cause = error;
  }
  if (text !== undefined) return text;
  throw new SealError(
    "not_json",
    `This "${context.kind}" cannot be sealed: it is not a JSON value.`,
    { cause },
  );
}

function buildHeader(
  key: Pick<SealedHeader, "alg" | "kid" | "ws"> & { zip?: "DEF" | undefined },
  { kind, dep, run, task, point, trace, epoch, seq }: SealContext,
): SealedHeader {
  return {
    alg: key.alg,
    enc: "A256GCM",
    typ: SEALED_TYPE,
    kid: key.kid,
    ws: key.ws,
    kind,
    ...(dep !== undefined && { dep }),
    ...(run !== undefined && { run }),
    ...(task !== undefined && { task }),
    ...(point !== undefined && { point }),
    ...(trace !== undefined && { trace }),
    ...(epoch !== undefined && { epoch }),
    ...(seq !== undefined && { seq }),
    ...(key.zip !== undefined && { zip: key.zip }),
  };
}

async function encrypt<K extends SealedKind>(
  plaintext: Uint8Array,
  header: SealedHeader,
  key: CryptoKey,
): Promise<Sealed<K>> {
  const blob = await new CompactEncrypt(plaintext).setProtectedHeader(header).encrypt(key);
  return blob as Sealed<K>;
}
