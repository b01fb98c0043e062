import type { SealedHeader, WrappedDataKey } from "@downbeat/contract";
import { compactDecrypt, type CryptoKey, decodeProtectedHeader, errors } from "jose";
import { DataKeyCache, type FetchDataKeys } from "./data-key-cache.ts";
import { dataKeyIdOf, verifyEmptyLog, type Attempt } from "./empty-log.ts";
import { type KeyProvider, keyProvider } from "./key-provider.ts";
import type { Keyring } from "./keyring.ts";
import { MAX_LOG_BYTES, SEALED_TYPE, type SealContext } from "./seal.ts";
import { isSealError, SealError } from "./seal-error.ts";
import { CONTENT_ENCRYPTION, WRAP_ALGORITHM } from "./wrap.ts";

export type OpenerOptions = {
  /** Asked for data keys not met before; several blobs opened at once lead to one call. */
  readonly fetchDataKeys: FetchDataKeys;
};

/** Opens sealed blobs of one workspace; keeps the data keys it has unwrapped. */
export type Opener = {
  /**
   * Opens a blob and returns the JSON value inside. `kind` and workspace are always checked; each further field of
   * `expected` must equal the blob's. Give every field you know: what is not expected is not checked.
   *
   * @throws {SealError} see `SealErrorCode`; errors of `fetchDataKeys` pass through.
   */
  open(blob: string, expected: SealContext): Promise<unknown>;
  /** Hands over data keys that came along with other answers, so that they need not be fetched. */
  addDataKeys(wrapped: readonly WrappedDataKey[]): void;
  /**
   * Checks the tag with which an attempt says that it has logged nothing.
   *
   * @throws {SealError} `tampered`, `no_data_key`, `wrap_not_authentic` or what else keeps the data key closed
   */
  checkEmptyLog(tag: string, attempt: Attempt): Promise<void>;
};

/** @param keys a keyring, or whatever else can unwrap data keys */
export function createOpener(keys: Keyring | KeyProvider, options: OpenerOptions): Opener {
  const provider = "unwrap" in keys ? keys : keyProvider(keys.workspaceId, () => keys);
  const dataKeys = new DataKeyCache(provider, options.fetchDataKeys);
  return {
    async open(blob, expected) {
      const header = readHeader(blob, expected);
      checkContext(header, { ...expected, ws: provider.workspaceId });
      const plaintext =
        header.alg === "dir"
          ? await decrypt(blob, header, await dataKeyFor(header, dataKeys))
          : await decryptDirect(blob, header, provider);
      return decodeJson(plaintext, header);
    },
    addDataKeys(wrapped) {
      for (const dataKey of wrapped) dataKeys.add(dataKey);
    },
    async checkEmptyLog(tag, attempt) {
      const id = dataKeyIdOf(tag);
      const { material, authentic } = await dataKeys.get(id);
      if (!authentic) throw forged("empty log", `data key ${id} carries no valid tag`);
      await verifyEmptyLog({ id, workspaceId: provider.workspaceId, material }, tag, attempt);
    },
  };
}

function readHeader(blob: string, expected: SealContext): SealedHeader {
  let header: Record<string, unknown>;
  try {
    header = decodeProtectedHeader(blob);
  } catch (cause) {
    throw new SealError("not_sealed", `This "${expected.kind}" is not a sealed blob.`, { cause });
  }
  const flaw = headerFlaw(header);
  if (flaw === undefined) return header as SealedHeader;
  throw new SealError(
    "not_sealed",
    `This "${expected.kind}" is not a blob that may be opened: ${flaw}.`,
  );
}

function headerFlaw(header: Record<string, unknown>): string | undefined {
  if (header["typ"] !== SEALED_TYPE)
    return `its type is ${String(header["typ"])}, not ${SEALED_TYPE}`;
  if (header["alg"] !== "dir" && header["alg"] !== WRAP_ALGORITHM) {
    return `its algorithm ${String(header["alg"])} is not allowed`;
  }
  if (header["enc"] !== CONTENT_ENCRYPTION)
    return `its encryption ${String(header["enc"])} is not allowed`;
  if (typeof header["kid"] !== "string") return "it names no key id";
  if (header["zip"] !== undefined && header["kind"] !== "log") return "only logs may be compressed";
  return undefined;
}

const BOUND_FIELDS = ["ws", "kind", "dep", "run", "task", "point", "epoch", "seq"] as const;

/** Refuses a blob from another place. The header is not yet authenticated here; decryption does that, over the same bytes. */
function checkContext(header: SealedHeader, expected: SealContext & { ws: string }): void {
  for (const field of BOUND_FIELDS) {
    // A task run's own may not be shown as its run's: here absence is an expectation too.
    const isOpen = expected[field] === undefined && field !== "task";
    if (isOpen || header[field] === expected[field]) continue;
    throw new SealError(
      "wrong_context",
      `This "${expected.kind}" was sealed for ${field} ${JSON.stringify(header[field])}, not ${JSON.stringify(expected[field])}.`,
    );
  }
}

async function dataKeyFor(header: SealedHeader, dataKeys: DataKeyCache): Promise<CryptoKey> {
  const { key, authentic } = await dataKeys.get(header.kid);
  if (!authentic) refuseUnlessParameters(header, `data key ${header.kid} carries no valid tag`);
  return key;
}

async function decryptDirect(
  blob: string,
  header: SealedHeader,
  provider: KeyProvider,
): Promise<Uint8Array> {
  refuseUnlessParameters(header, "it was sealed straight to the public key");
  try {
    return await provider.decrypt(blob, header.kid);
  } catch (cause) {
    throw isSealError(cause) ? cause : decryptError(cause, header);
  }
}

/** Anyone may seal to a public key, and callers must be able to. Only parameters and inputs are expected from just anyone. */
function refuseUnlessParameters(header: SealedHeader, reason: string): void {
  if (header.kind === "parameters" || header.kind === "input") return;
  throw forged(header.kind, reason);
}

function forged(what: string, reason: string): SealError {
  return new SealError(
    "wrap_not_authentic",
    `This "${what}" may be a forgery: ${reason}, so it need not come from a holder of the workspace key.`,
  );
}

async function decrypt(blob: string, header: SealedHeader, key: CryptoKey): Promise<Uint8Array> {
  try {
    const { plaintext } = await compactDecrypt(blob, key, {
      keyManagementAlgorithms: [header.alg],
      contentEncryptionAlgorithms: [CONTENT_ENCRYPTION],
      maxDecompressedLength: header.kind === "log" ? MAX_LOG_BYTES : 0,
    });
    return plaintext;
  } catch (cause) {
    throw decryptError(cause, header);
  }
}

function decryptError(cause: unknown, { kind, kid }: SealedHeader): SealError {
  // Inflating begins after authentication, so with a "zip" header JWEInvalid can only mean the size limit here.
  if (cause instanceof errors.JWEInvalid && cause.message.startsWith("Decompressed")) {
    return new SealError(
      "too_large",
      `This "${kind}" inflates to more than ${MAX_LOG_BYTES} bytes.`,
      { cause },
    );
  }
  return new SealError("tampered", `This "${kind}" (key ${kid}) does not open: it was altered.`, {
    cause,
  });
}

function decodeJson(plaintext: Uint8Array, { kind }: SealedHeader): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(plaintext));
  } catch {
    // The cause is left out on purpose: JSON.parse quotes the text it fails on, and that text is customer data.
    throw new SealError("not_json", `This "${kind}" opened, but its content is not JSON.`);
  }
}
