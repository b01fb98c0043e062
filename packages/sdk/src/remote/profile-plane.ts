import { createClient, type Client } from "@downbeat/client";
import { createDataKey, createOpener, sealJson, type DataKey, type Keyring } from "@downbeat/seal";
import type { Signer } from "@downbeat/seal/node";
import { parseProfile } from "../profile/parse-profile.ts";
import { signerOfProfile } from "../profile/profile-signer.ts";
import type { ProfileSource } from "../profile/read-profile.ts";
import type { RemotePlane, TriggerAnswer, TriggerRequest } from "./remote-plane.ts";
import { runStatusOf } from "./run-status.ts";
import { sealingKeys } from "./sealing-keys.ts";
import { answerAll } from "./answer-all.ts";
import { TriggerMaker } from "./trigger-maker.ts";

/**
 * Connects to the API of a profile, for code that no agent drives. Parameters are sealed to the key on this machine or the
 * one pinned in the profile, never to one that the API offers.
 *
 * @throws DownbeatError `profile_missing`, `configuration_invalid`, `key_missing`, `key_wrong`, `unreachable`; SealError about the
 *   signing key's file
 */
export async function connectByProfile(source: ProfileSource): Promise<RemotePlane> {
  const profile = parseProfile(source);
  const client = createClient({ apiUrl: profile.apiUrl, apiKey: profile.apiKey });
  try {
    const keys = await sealingKeys(client, profile);
    const dataKey = await createDataKey({ recipients: [keys.publicKey], keyring: keys.keyring });
    await client.call("createDataKeys", { body: { dataKeys: [dataKey.wrapped] } });
    const signer = await signerOfProfile(profile);
    const maker = makerFor(client, { dataKey, keyring: keys.keyring, signer });
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

type Held = {
  readonly dataKey: DataKey;
  readonly keyring: Keyring | undefined;
  readonly signer: Signer | undefined;
};

function makerFor(client: Client, { dataKey, keyring, signer }: Held): TriggerMaker {
  const fetchDataKeys = async (ids: readonly string[]) =>
    (await client.call("readDataKeys", { query: { ids } })).dataKeys;
  return new TriggerMaker({
    readDeployment: (names) => client.call("readDeployment", { params: names }),
    seal: (context, value) => sealJson(dataKey, context, value),
    opener: keyring === undefined ? undefined : createOpener(keyring, { fetchDataKeys }),
    keyring,
    signing: signer && { signer, workspaceId: dataKey.workspaceId },
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
