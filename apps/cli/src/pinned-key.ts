import { DownbeatError } from "@downbeat/contract";
import { publicKeyOf, type WorkspacePublicKey } from "@downbeat/seal";
import { readKeyset } from "@downbeat/seal/node";
import type { Connection } from "./connection.ts";

/**
 * The public key to seal to: the keyset's or the one pinned in the profile, never one that the API offers, since a
 * hostile server could offer its own. That the API knows the same key is checked.
 *
 * @throws {DownbeatError} `key_missing` when none is pinned, `key_wrong` when the API names another
 */
export async function pinnedPublicKey({
  client,
  profile,
}: Connection): Promise<WorkspacePublicKey> {
  const { workspace } = await client.call("whoAmI", {});
  const pinned =
    profile.keyFile === undefined
      ? profile.publicKey
      : publicKeyOf(await readKeyset(profile.keyFile));
  if (pinned === undefined) {
    throw new DownbeatError("key_missing", {
      message: `No public key is pinned for workspace "${workspace.name}" in ${profile.source}; run \`downbeat login\` and confirm the key id.`,
    });
  }
  if (workspace.key !== null && workspace.key.keyId !== pinned.keyId) {
    throw new DownbeatError("key_wrong", {
      message: `The API names workspace key ${workspace.key.keyId}, but ${pinned.keyId} is the one held here (${profile.keyFile ?? profile.source}); nothing was sealed or sent.`,
    });
  }
  return { workspaceId: workspace.id, keyId: pinned.keyId, publicJwk: pinned.publicJwk };
}
