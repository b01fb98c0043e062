/** What marks an envelope that encrypts nothing: a nonce no cipher would draw. */
const NONCE = "A".repeat(16);
const TAG = "A".repeat(22);

/** A text of the form of a sealed blob, and of its size, with the content in clear: what sealing is measured against. */
export function unsealedEnvelope(header: object, plaintext: Uint8Array | string): string {
  const encode = (part: Uint8Array | string): string => Buffer.from(part).toString("base64url");
  return `${encode(JSON.stringify(header))}..${NONCE}.${encode(plaintext)}.${TAG}`;
}

/** The content of such a text; undefined for a blob that is really sealed. */
export function readUnsealedEnvelope(
  text: string,
): { header: Record<string, unknown>; plaintext: Uint8Array } | undefined {
  const [header = "", , nonce, content = ""] = text.split(".");
  if (nonce !== NONCE) return undefined;
  const decode = (part: string): Buffer => Buffer.from(part, "base64url");
  return {
    header: JSON.parse(decode(header).toString()) as Record<string, unknown>,
    plaintext: new Uint8Array(decode(content)),
  };
}
