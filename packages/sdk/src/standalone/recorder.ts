import { createClient } from "@downbeat/client";
import type { Client } from "@downbeat/client";
import { DownbeatError } from "@downbeat/contract";
import type { WrappedDataKey } from "@downbeat/contract";
import { createDataKey, keysOf, openKeyring, publicKeyOf, sealJson } from "@downbeat/seal";
import type { DataKey, Keyring, SealContext } from "@downbeat/seal";
import { keySourceOf, type KeySource } from "@downbeat/seal/node";
import { parseProfile } from "../profile/parse-profile.ts";
import type { Profile } from "../profile/stored-profile.ts";
import type { ProfileSource } from "../profile/read-profile.ts";
import { ReportItems, type ReportItemsOptions } from "./report-items.ts";
import { warnOnce } from "./warn-once.ts";

/** What all recorded runs of this process share: the connection and the data key. */
export type Recorder = {
  readonly client: Client;
  readonly sealer: Sealer;
  itemsFor(run: Pick<ReportItemsOptions, "lease" | "compressLogs">): ReportItems;
  /** Ends what still waits for an answer, so that it cannot keep the process; `client` is a new one after that. */
  hangUp(): void;
};

/** Seals what the keys on this machine allow; what they do not allow is left out. */
export type Sealer = {
  readonly dataKeys: readonly WrappedDataKey[];
  /** Undefined unless the workspace's keyset is here: readers would refuse logs and errors sealed without it. */
  readonly full: { readonly dataKey: DataKey; readonly keyring: Keyring } | undefined;
  readonly sealParameters: (
    context: SealContext<"parameters">,
    value: unknown,
  ) => Promise<SealedParameters>;
};

type SealedParameters = Awaited<ReturnType<typeof sealJson<"parameters">>> | null;

/**
 * Connects to the API of the profile. Without keys a run is still recorded, with states and names and nothing else.
 *
 * @throws DownbeatError `configuration_invalid`, `profile_missing`
 */
export async function createRecorder(source: ProfileSource): Promise<Recorder> {
  const profile = parseProfile(source);
  const options = { apiUrl: profile.apiUrl, apiKey: profile.apiKey };
  let client = createClient(options);
  const sealer = await createSealer(profile).catch((error: unknown) => {
    warnOnce("parameters, logs and error messages are not recorded", error);
    return NO_SEALER;
  });
  return {
    get client() {
      return client;
    },
    sealer,
    itemsFor: (run) => new ReportItems({ ...run, sealer }),
    hangUp: () => {
      void client.close();
      client = createClient(options);
    },
  };
}

const NO_SEALER: Sealer = {
  dataKeys: [],
  full: undefined,
  sealParameters: () => Promise.resolve(null),
};

async function createSealer(profile: Profile): Promise<Sealer> {
  const { publicKey, workspaceId } = profile;
  const source = keySourceOf(profile);
  if (source !== undefined) return fullSealer(source, publicKey?.keyId);
  const reason = new DownbeatError("key_missing", {
    message: `no workspace key is on this machine${publicKey === undefined ? "" : ` (needed: ${publicKey.keyId})`}`,
  });
  if (publicKey === undefined || workspaceId === undefined) throw reason;
  warnOnce("logs and error messages are not recorded", reason);
  const dataKey = await createDataKey({ recipients: [{ ...publicKey, workspaceId }] });
  return { dataKeys: [dataKey.wrapped], full: undefined, sealParameters: sealWith(dataKey) };
}

async function fullSealer(source: KeySource, pinnedKeyId: string | undefined): Promise<Sealer> {
  const keyset = await source.read();
  const holds = keysOf(keyset).some(({ keyId }) => keyId === pinnedKeyId);
  if (pinnedKeyId !== undefined && !holds) {
    throw new DownbeatError("key_wrong", {
      message: `${source.name} holds key ${keyset.keyId}; the profile pins ${pinnedKeyId}`,
    });
  }
  const keyring = await openKeyring(keyset);
  const dataKey = await createDataKey({ recipients: [publicKeyOf(keyset)], keyring });
  return {
    dataKeys: [dataKey.wrapped],
    full: { dataKey, keyring },
    sealParameters: sealWith(dataKey),
  };
}

// The sealed text may have 768 KiB of characters; base64 makes 4 of 3 bytes.
const LARGEST_PARAMETERS = 512 * 1024;

function sealWith(dataKey: DataKey): Sealer["sealParameters"] {
  return async (context, value) => {
    try {
      if (Buffer.byteLength(JSON.stringify(value)) > LARGEST_PARAMETERS)
        throw new Error("they are larger than 512 KiB");
      return await sealJson(dataKey, context, value);
    } catch (error) {
      warnOnce("the parameters of a run are not recorded", error);
      return null;
    }
  };
}
