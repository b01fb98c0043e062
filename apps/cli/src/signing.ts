import { DownbeatError } from "@downbeat/contract";
import { readSigningKey, signerOf, type Signing } from "@downbeat/seal/node";
import type { CliContext } from "./context.ts";

/**
 * The signing key in force; undefined when there is none, and then nothing is signed.
 *
 * @param isRequired whether `--sign` was given
 * @throws {DownbeatError} `key_missing` when it is required and there is none; SealError about its file
 */
export async function signingInForce(
  context: CliContext,
  isRequired: boolean | undefined,
): Promise<Signing | undefined> {
  const { client, profile } = await context.connect();
  if (profile.signingKeyFile === undefined) {
    if (isRequired !== true) return undefined;
    throw new DownbeatError("key_missing", {
      message: `No signing key is on this machine: neither DOWNBEAT_SIGNING_KEY_FILE nor the profile (${profile.source}) names one. Make one with \`downbeat key create --signing\`.`,
    });
  }
  const signer = await signerOf(await readSigningKey(profile.signingKeyFile));
  const workspaceId = profile.workspaceId ?? (await client.call("whoAmI", {})).workspace.id;
  return { signer, workspaceId, now: context.now() };
}
