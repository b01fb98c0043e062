import type { Client } from "@downbeat/client";
import { DownbeatError, isDownbeatError, type WrappedDataKey } from "@downbeat/contract";
import {
  createDataKey,
  createOpener,
  dataKeyIsWorn,
  isSealError,
  keyProvider,
  publicKeyOf,
  type DataKey,
  type Keyring,
  type Opener,
  type SealContext,
} from "@downbeat/seal";
import { keySourceOf } from "@downbeat/seal/node";
import type { Profile } from "../profile/stored-profile.ts";
import { sealingKeys } from "../remote/sealing-keys.ts";
import { warnOnce } from "../standalone/warn-once.ts";

/** What a process that serves flows opens and seals with. */
export type HeldKeys = { readonly keyring: Keyring; readonly dataKey: DataKey };

const CHECK_MS = 30_000;

/**
 * Unlocks the workspace key of the profile and makes a data key, which the plane then knows.
 *
 * @throws DownbeatError `key_missing`, `key_wrong` when the workspace uses a key that the file does not hold
 */
export async function openKeys(client: Client, profile: Profile): Promise<HeldKeys> {
  const keyring = await readKeyring(client, profile);
  return { keyring, dataKey: await makeDataKey(client, keyring) };
}

/**
 * Keeps the keys of a serving process fresh, as an agent does: reads the key file again now and then and when a blob does not
 * open, and takes a new data key when the old one is worn or made for a workspace key that is no longer the current one.
 */
export class ServeKeys {
  readonly #client: Client;
  readonly #profile: Profile;
  readonly #opener: Opener;
  #keyring: Keyring;
  #dataKey: DataKey;
  /** The workspace key for which the data key was made. */
  #sealsForKeyId: string;
  #dueMs = performance.now() + CHECK_MS;
  #checking: Promise<boolean> | undefined;

  constructor(client: Client, profile: Profile, { keyring, dataKey }: HeldKeys) {
    this.#client = client;
    this.#profile = profile;
    this.#keyring = keyring;
    this.#dataKey = dataKey;
    this.#sealsForKeyId = keyring.keyId;
    const fetchDataKeys = async (ids: readonly string[]) =>
      (await client.call("readDataKeys", { query: { ids } })).dataKeys;
    const provider = keyProvider(keyring.workspaceId, () => this.#keyring);
    this.#opener = createOpener(provider, { fetchDataKeys });
  }

  get workspaceId(): string {
    return this.#keyring.workspaceId;
  }

  get wrappedDataKey(): WrappedDataKey {
    return this.#dataKey.wrapped;
  }

  /** What to seal with now. */
  get full(): HeldKeys {
    return { dataKey: this.#dataKey, keyring: this.#keyring };
  }

  /**
   * Opens a blob. Right after a rotation it may need the key that has just been written to the file.
   *
   * @throws SealError; what fetching data keys throws
   */
  async open(blob: string, context: SealContext): Promise<unknown> {
    try {
      return await this.#opener.open(blob, context);
    } catch (error) {
      if (isSealError(error) && error.code === "wrong_key" && (await this.#check()))
        return this.#opener.open(blob, context);
      throw error;
    }
  }

  /** To be called now and then. Never rejects: what cannot be renewed goes on. */
  async tend(): Promise<void> {
    const isWorn = dataKeyIsWorn(this.#dataKey);
    if (performance.now() < this.#dueMs && !isWorn) return;
    this.#dueMs = performance.now() + CHECK_MS;
    await this.#check();
    const keyring = this.#keyring;
    if (!isWorn && this.#sealsForKeyId === keyring.keyId) return;
    try {
      this.#dataKey = await makeDataKey(this.#client, keyring);
      this.#sealsForKeyId = keyring.keyId;
    } catch (error) {
      warnOnce("a new data key could not be stored yet; the old one goes on", error);
    }
  }

  /** Reads the keys again; resolves with whether they are other ones now. */
  #check(): Promise<boolean> {
    this.#checking ??= this.#readAgain().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #readAgain(): Promise<boolean> {
    try {
      const keyring = await readKeyring(this.#client, this.#profile);
      const isOther = idsOf(keyring) !== idsOf(this.#keyring);
      this.#keyring = keyring;
      return isOther;
    } catch (error) {
      if (!isDownbeatError(error) || !error.retryable)
        warnOnce("the workspace key could not be read again; the one held goes on", error);
      return false;
    }
  }
}

async function readKeyring(client: Client, profile: Profile): Promise<Keyring> {
  const { keyring, publicKey } = await sealingKeys(client, profile);
  if (keyring === undefined) {
    throw new DownbeatError("key_missing", {
      message: "This takes the workspace key, and neither DOWNBEAT_KEY nor the profile names one.",
    });
  }
  if (idsOf(keyring).includes(publicKey.keyId)) return keyring;
  throw new DownbeatError("key_wrong", {
    message: `The workspace uses key ${publicKey.keyId}; ${keySourceOf(profile)?.name} holds ${idsOf(keyring)}.`,
  });
}

async function makeDataKey(client: Client, keyring: Keyring): Promise<DataKey> {
  const dataKey = await createDataKey({ recipients: [publicKeyOf(keyring)], keyring });
  await client.call("createDataKeys", { body: { dataKeys: [dataKey.wrapped] } });
  return dataKey;
}

function idsOf(keyring: Keyring): string {
  return [keyring, ...keyring.otherKeys].map(({ keyId }) => keyId).join(", ");
}
