import { readFile } from "node:fs/promises";
import { DownbeatError } from "@downbeat/contract";
import { parseTrustedSigners, type TrustedSigners } from "@downbeat/seal/node";

/**
 * The public keys whose signatures count, from a JWK Set as `downbeat key create --signing` writes it.
 *
 * @throws DownbeatError `configuration_invalid`
 */
export async function readSigners(path: string): Promise<TrustedSigners> {
  try {
    // Decoded so, a byte order mark, which editors of Windows put before a file, is no part of the text.
    const text = new TextDecoder().decode(await readFile(path));
    return await parseTrustedSigners(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DownbeatError("configuration_invalid", {
      message: `The signers file ${path} cannot be used: ${why}`,
      cause,
    });
  }
}
