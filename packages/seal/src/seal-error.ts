/** What can go wrong with keys and sealed blobs. Messages name ids, kinds and sizes, never content. */
export type SealErrorCode =
  /** Sealed to a key that is not the one held; the message names both ids. */
  | "wrong_key"
  /** The data key that sealed the blob is not to be had. */
  | "no_data_key"
  /** The data key was not made by a holder of the workspace key, so anyone could have written the blob. */
  | "wrap_not_authentic"
  /** The blob or its data key was altered. */
  | "tampered"
  /** The blob is genuine but belongs elsewhere: another workspace, run, epoch, sequence number or kind. */
  | "wrong_context"
  /** Not a sealed blob of this product, or one with an algorithm or option that is not allowed. */
  | "not_sealed"
  /** The content is larger than a reader would accept. */
  | "too_large"
  /** The value cannot be written as JSON, or the opened content is not JSON. */
  | "not_json"
  /** The data key has sealed as much as AES-GCM with random nonces allows; make a new one. */
  | "data_key_worn"
  /** A public key that is not P-256 or whose id is not its thumbprint. */
  | "bad_public_key"
  /** Not a keyset, or one whose parts do not belong together. */
  | "bad_keyset"
  /** Not a recovery code, or one with a mistake in it. */
  | "bad_recovery_code"
  /** The passphrase does not open an exported keyset, or is too short to make one. */
  | "bad_passphrase"
  /** A rotation to a new workspace key that the key before it did not sign. */
  | "rotation_not_authentic"
  /** A statement that is not signed by a key that counts here, or was altered. */
  | "signature_refused"
  /** There is no keyset file at the path. */
  | "keyset_missing"
  /** A keyset file already stands at the path and was left alone. */
  | "keyset_exists"
  /** Other users of the machine could read the keyset file. */
  | "keyset_exposed"
  /** The keyset file could not be read or written; `cause` says why. */
  | "keyset_unreachable";

const BRAND = Symbol.for("downbeat.seal-error");

/** The one error class of this package: branch on `code`, show `message`. */
export class SealError extends Error {
  readonly code: SealErrorCode;
  readonly [BRAND] = true;

  constructor(code: SealErrorCode, message: string, options?: { cause?: unknown }) {
    // No `cause` at all rather than one that is undefined: loggers print what is there.
    super(message, options?.cause === undefined ? undefined : options);
    this.name = "SealError";
    this.code = code;
  }
}

/** Whether this is a `SealError`, also when it comes from another copy of this package. */
export function isSealError(error: unknown): error is SealError {
  return typeof error === "object" && error !== null && BRAND in error;
}
