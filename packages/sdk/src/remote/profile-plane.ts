import { createClient, type Client } from "@downbeat/client";
import { DownbeatError, type WorkspacePublicKey } from "@downbeat/contract";
import {
  createDataKey,
  createOpener,
  openKeyring,
  publicKeyOf,
  sealJson,
  type DataKey,
  type Keyring,
} from "@downbeat/seal";
import { readKeyset } from "@downbeat/seal/node";
import { parseProfile, type Profile } from "../profile/parse-profile.ts";
import type { ProfileSource } from "../profile/read-profile.ts";
import type { RemotePlane, TriggerAnswer, TriggerRequest } from "./remote-plane.ts";
import { runStatusOf } from "./run-status.ts";
import { answerAll } from "./answer-all.ts";
import { TriggerMaker } from "./trigger-maker.ts";

/**
 * Connects to the API of a profile, for code that no agent drives. Parameters are sealed to the key on this machine or the
 * one pinned in the profile, never to one that the API offers.
 *
 * @throws DownbeatError `profile_missing`, `configuration_invalid`, `key_missing`, `key_wrong`, `unreachable`
 */
export async function connectByProfile(source: ProfileSource): Promise<RemotePlane> {
  const profile = parseProfile(source);
  const client = createClient({ apiUrl: profile.apiUrl, apiKey: profile.apiKey });
  try {
    const keys = await keysOf(profile);
    await checkPinned(client, keys);
    const dataKey = await createDataKey({ recipients: [keys.publicKey], keyring: keys.keyring });
    await client.call("createDataKeys", { body: { dataKeys: [dataKey.wrapped] } });
    const maker = makerFor(client, { dataKey, keyring: keys.keyring });
    return {
      trigger: (requests) => trigger(client, maker, requests),
      read: async (runIds) => {
        const { items } = await client.call("readRuns", { body: { runIds: [...runIds] } });
        return items.map(runStatusOf);
      },
    };
  } catch (error) {
    await client.close();
    throw error;
  }
}

type Keys = {
  readonly publicKey: WorkspacePublicKey & { workspaceId: string };
  /** Undefined where only the public key is pinned. */
  readonly keyring: Keyring | undefined;
};

async function keysOf({ keyFile, publicKey, workspaceId }: Profile): Promise<Keys> {
  if (keyFile !== undefined) {
    const keyset = await readKeyset(keyFile);
    return { publicKey: publicKeyOf(keyset), keyring: await openKeyring(keyset) };
  }
  if (publicKey === undefined || workspaceId === undefined) {
    throw new DownbeatError("key_missing", {
      message:
        "The profile pins no public key and names no key file, so parameters cannot be sealed.",
    });
  }
  return { publicKey: { ...publicKey, workspaceId }, keyring: undefined };
}

async function checkPinned(client: Client, { publicKey }: Keys): Promise<void> {
  const { workspace } = await client.call("whoAmI", {});
  const isOurs = workspace.id === publicKey.workspaceId;
  if (isOurs && (workspace.key === null || workspace.key.keyId === publicKey.keyId)) return;
  throw new DownbeatError("key_wrong", {
    message: `The workspace "${workspace.name}" uses key ${workspace.key?.keyId ?? "(none)"}, but ${publicKey.keyId} of workspace ${publicKey.workspaceId} is the one held here; nothing was sealed or sent.`,
  });
}

function makerFor(
  client: Client,
  { dataKey, keyring }: { dataKey: DataKey; keyring: Keyring | undefined },
): TriggerMaker {
  const fetchDataKeys = async (ids: readonly string[]) =>
    (await client.call("readDataKeys", { query: { ids } })).dataKeys;
  return new TriggerMaker({
    readDeployment: (names) => client.call("readDeployment", { params: names }),
    seal: (context, value) => sealJson(dataKey, context, value),
    opener: keyring === undefined ? undefined : createOpener(keyring, { fetchDataKeys }),
    keyring,
    nowMs: () => performance.now(),
  });
}

async function trigger(
  client: Client,
  maker: TriggerMaker,
  requests: readonly TriggerRequest[],
): Promise<readonly TriggerAnswer[]> {
  const made = await maker.makeAll(requests);
  return answerAll(made, async (runs) => {
    const { outcomes } = await client.call("createRuns", { body: { runs: [...runs] } });
    return outcomes;
  });
}
