import { readSigningKey, signerOf, type Signer } from "@downbeat/seal/node";
import type { Profile } from "./stored-profile.ts";

/**
 * What signs with the profile's signing key; undefined when it names none, and then nothing is signed.
 *
 * @throws SealError when the key's file cannot be used
 */
export async function signerOfProfile({ signingKeyFile }: Profile): Promise<Signer | undefined> {
  return signingKeyFile === undefined ? undefined : signerOf(await readSigningKey(signingKeyFile));
}
