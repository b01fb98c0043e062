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
    return await parseTrustedSigners(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DownbeatError("configuration_invalid", {
      message: `The signers file ${path} cannot be used: ${why}`,
      cause,
    });
  }
}
