import { DownbeatError, type Workspace } from "@downbeat/contract";
import {
  followRotations,
  keysOf,
  makeCurrent,
  publicKeyOf,
  type WorkspacePublicKey,
} from "@downbeat/seal";
import { keySourceOf } from "@downbeat/seal/node";
import type { Connection } from "./connection.ts";
import { rememberKey } from "./keys/remember-key.ts";

/**
 * The public key to seal to: the keyset's or the one pinned in the profile, never one that the API merely offers, since a
 * hostile server could offer its own. A new key that the pinned one has signed for takes its place.
 *
 * @throws {DownbeatError} `key_missing` when none is pinned, `key_wrong` when the API names one that no key here signed for
 */
export async function pinnedPublicKey(connection: Connection): Promise<WorkspacePublicKey> {
  const { client, profile } = connection;
  const { workspace } = await client.call("whoAmI", {});
  const stored = await keySourceOf(profile)?.read();
  if (stored === undefined) return followedPin(connection, workspace);
  const named = workspace.key?.keyId ?? stored.keyId;
  const keyset = makeCurrent(stored, named);
  const held = { ...publicKeyOf(keyset), workspaceId: workspace.id };
  // Also when the API names an older one of ours: what is sealed here is sealed to the key that the keyset calls current.
  if (keysOf(keyset).some(({ keyId }) => keyId === named)) return held;
  return follow(connection, { workspace, from: held });
}

async function followedPin(
  connection: Connection,
  workspace: Workspace,
): Promise<WorkspacePublicKey> {
  const { profile } = connection;
  if (profile.publicKey === undefined) {
    throw new DownbeatError("key_missing", {
      message: `No public key is pinned for workspace "${workspace.name}" in ${profile.source}; run \`downbeat login\` and confirm the key id.`,
    });
  }
  const from = { workspaceId: workspace.id, ...profile.publicKey };
  if (workspace.key === null || workspace.key.keyId === from.keyId) return from;
  const key = await follow(connection, { workspace, from });
  if (profile.file !== undefined) await rememberKey(profile.file, key);
  return key;
}

async function follow(
  { client, profile }: Connection,
  { workspace, from }: { workspace: Workspace; from: WorkspacePublicKey },
): Promise<WorkspacePublicKey> {
  const { items } = await client.call("listKeyRotations", {});
  const key = await followRotations(from, items);
  if (key.keyId === workspace.key?.keyId) return key;
  throw new DownbeatError("key_wrong", {
    message: `The API names workspace key ${workspace.key?.keyId}, but ${from.keyId} is the one held here (${keySourceOf(profile)?.name ?? profile.source}) and has not signed for it; nothing was sealed or sent.`,
  });
}
