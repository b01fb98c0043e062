import type { WrappedDataKey } from "@downbeat/contract";
import { createDataKey, type DataKey } from "./data-key.ts";
import { importKeyring, type Keyring } from "./keyring.ts";
import { createKeyset, publicKeyOf, type WorkspaceKeyset } from "./keyset.ts";
import { createOpener, type Opener } from "./open.ts";
import type { WorkspacePublicKey } from "./public-key.ts";

export const WORKSPACE_ID = "0198f2a0-0000-7000-8000-000000000001";

/** A workspace as its agent sees it: all keys, and a data key made and signed by a key holder. */
export type WorkspaceFixture = {
  keyset: WorkspaceKeyset;
  keyring: Keyring;
  publicKey: WorkspacePublicKey;
  dataKey: DataKey;
  opener: Opener;
};

export async function aWorkspace(workspaceId = WORKSPACE_ID): Promise<WorkspaceFixture> {
  const keyset = await createKeyset({ workspaceId, now: new Date("2026-01-02T03:04:05Z") });
  const keyring = await importKeyring(keyset);
  const publicKey = publicKeyOf(keyset);
  const dataKey = await createDataKey({ recipients: [publicKey], keyring });
  return { keyset, keyring, publicKey, dataKey, opener: anOpener(keyring, dataKey.wrapped) };
}

/** An opener whose server stores these data keys. */
export function anOpener(keyring: Keyring, ...stored: WrappedDataKey[]): Opener {
  return createOpener(keyring, {
    fetchDataKeys: async (ids) => stored.filter(({ id }) => ids.includes(id)),
  });
}
