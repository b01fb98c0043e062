import type { Client } from "@downbeat/client";
import { DownbeatError, type Workspace } from "@downbeat/contract";
import {
  followRotations,
  importKeyring,
  isSealError,
  makeCurrent,
  publicKeyOf,
  type Keyring,
  type WorkspacePublicKey,
} from "@downbeat/seal";
import { keySourceOf } from "@downbeat/seal/node";
import type { Profile } from "../profile/stored-profile.ts";

export type SealingKeys = {
  readonly publicKey: WorkspacePublicKey;
  /** Undefined where only the public key is pinned. */
  readonly keyring: Keyring | undefined;
};

/**
 * The key on this machine, or the one pinned in the profile and followed over the rotations that the pinned key signed.
 *
 * @throws DownbeatError `key_missing`, `key_wrong` when the API names a key that neither holds nor signed for
 */
export async function sealingKeys(client: Client, profile: Profile): Promise<SealingKeys> {
  const { workspace } = await client.call("whoAmI", {});
  const keyring = await keyringOf(profile, workspace);
  const publicKey = keyring === undefined ? pinnedKey(profile) : publicKeyOf(keyring);
  if (publicKey.workspaceId !== workspace.id) throw wrongKey(publicKey, workspace);
  const named = workspace.key?.keyId;
  const held = keyring === undefined ? [publicKey] : [keyring, ...keyring.otherKeys];
  // Also when the API names an older one of ours: what is sealed here is sealed to the key that the file calls current.
  if (named === undefined || held.some(({ keyId }) => keyId === named))
    return { publicKey, keyring };
  const followed = await follow(client, publicKey, workspace);
  return { publicKey: followed, keyring };
}

async function keyringOf(profile: Profile, { key }: Workspace): Promise<Keyring | undefined> {
  const keyset = await keySourceOf(profile)?.read();
  if (keyset === undefined) return undefined;
  return importKeyring(makeCurrent(keyset, key?.keyId ?? keyset.keyId));
}

function pinnedKey({ publicKey, workspaceId }: Profile): WorkspacePublicKey {
  if (publicKey !== undefined && workspaceId !== undefined) return { ...publicKey, workspaceId };
  throw new DownbeatError("key_missing", {
    message:
      "The profile pins no public key and names no key file, and DOWNBEAT_KEY is not set, so parameters cannot be sealed.",
  });
}

async function follow(
  client: Client,
  from: WorkspacePublicKey,
  workspace: Workspace,
): Promise<WorkspacePublicKey> {
  const { items } = await client.call("listKeyRotations", {});
  try {
    const key = await followRotations(from, items);
    if (key.keyId === workspace.key?.keyId) return key;
  } catch (cause) {
    throw isSealError(cause) ? wrongKey(from, workspace, cause) : cause;
  }
  throw wrongKey(from, workspace);
}

function wrongKey(held: WorkspacePublicKey, workspace: Workspace, cause?: unknown): DownbeatError {
  return new DownbeatError("key_wrong", {
    message: `The workspace "${workspace.name}" uses key ${workspace.key?.keyId ?? "(none)"}, but ${held.keyId} of workspace ${held.workspaceId} is the one held here, and it has not signed for that; nothing was sealed or sent.`,
    cause,
  });
}
