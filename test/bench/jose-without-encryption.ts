import {
  compactDecrypt as decrypt,
  type CompactDecryptResult,
  type CompactJWEHeaderParameters,
} from "jose";
import { readUnsealedEnvelope, unsealedEnvelope } from "./unsealed-envelope.ts";

export * from "jose";

/** Stands in for jose's class of this name: the same envelope, with nothing encrypted. */
export class CompactEncrypt {
  readonly #plaintext: Uint8Array;
  #header: CompactJWEHeaderParameters | undefined;

  constructor(plaintext: Uint8Array) {
    this.#plaintext = plaintext;
  }

  setProtectedHeader(header: CompactJWEHeaderParameters): this {
    this.#header = header;
    return this;
  }

  encrypt(): Promise<string> {
    return Promise.resolve(unsealedEnvelope(this.#header ?? {}, this.#plaintext));
  }
}

/** Opens what stands in for a sealed blob, and really sealed ones as jose does. */
export async function compactDecrypt(
  ...[blob, key, options]: Parameters<typeof decrypt>
): Promise<CompactDecryptResult> {
  const text = typeof blob === "string" ? blob : new TextDecoder().decode(blob);
  const open = readUnsealedEnvelope(text);
  if (open === undefined) return decrypt(blob, key as CryptoKey, options);
  const protectedHeader = open.header as CompactDecryptResult["protectedHeader"];
  return { plaintext: open.plaintext, protectedHeader };
}
