import { DownbeatError } from "@downbeat/contract";
import type { Client } from "@downbeat/client";
import {
  createOpener,
  openKeyring,
  type Keyring,
  type Opener,
  type WorkspaceKeyset,
} from "@downbeat/seal";
import { keySourceOf } from "@downbeat/seal/node";
import type { Connection } from "./connection.ts";

export type Unlocked = {
  readonly keyset: WorkspaceKeyset;
  readonly keyring: Keyring;
  readonly opener: Opener;
};

/**
 * Reads the workspace key of this machine, which opens what the workspace has sealed.
 *
 * @throws {DownbeatError} `key_missing`, or a SealError about the keyset
 */
export async function unlock({ client, profile }: Connection): Promise<Unlocked> {
  const source = keySourceOf(profile);
  if (source === undefined) {
    const needed = profile.publicKey === undefined ? "" : ` with the id ${profile.publicKey.keyId}`;
    throw new DownbeatError("key_missing", {
      message: `No workspace key${needed} is on this machine: neither DOWNBEAT_KEY, DOWNBEAT_KEY_FILE nor the profile (${profile.source}) names one.`,
    });
  }
  const keyset = await source.read();
  const keyring = await openKeyring(keyset);
  return {
    keyset,
    keyring,
    opener: createOpener(keyring, { fetchDataKeys: (ids) => fetchDataKeys(client, ids) }),
  };
}

async function fetchDataKeys(client: Client, ids: readonly string[]) {
  const { dataKeys } = await client.call("readDataKeys", { query: { ids } });
  return dataKeys;
}
