import type { ErrorDetail, RunError, Sealed, SealedKind, WrappedDataKey } from "@downbeat/contract";
import {
  artifactKeyTag,
  blindTag,
  createDataKey,
  dataKeyIsWorn,
  errorFingerprint,
  publicKeyOf,
  sealJson,
  type DataKey,
  type Keyring,
  type SealContext,
  type SealOptions,
} from "@downbeat/seal";
import { createEmptyLogTagger } from "@downbeat/seal/node";

/** An error of a run or task run, before it is split into what may be seen and what is sealed. */
export type ObservedError = {
  readonly detail: ErrorDetail;
  readonly exitCode?: number | null;
  readonly signal?: string | null;
};

type ErrorPlace = { readonly run: string; readonly task?: string; readonly epoch: number };

/** Seals everything this agent process reports, with one data key at a time. */
export class Sealer {
  #dataKey: DataKey;
  #keyring: Keyring;
  #tagger: EmptyLogTagger;

  private constructor({ dataKey, tagger }: Fresh, keyring: Keyring) {
    this.#dataKey = dataKey;
    this.#tagger = tagger;
    this.#keyring = keyring;
  }

  static async create(keyring: Keyring): Promise<Sealer> {
    return new Sealer(await freshKeyFor(keyring), keyring);
  }

  /** Must be stored on the plane before anything sealed here can be read. */
  get wrappedDataKey(): WrappedDataKey {
    return this.#dataKey.wrapped;
  }

  /** Whether the data key has sealed so much that another should take its place. */
  get isWorn(): boolean {
    return dataKeyIsWorn(this.#dataKey);
  }

  /**
   * Goes on with a new data key, for the keyring's current workspace key.
   *
   * @param store puts it on the plane; until that has succeeded the old one goes on
   */
  async renew(keyring: Keyring, store: (wrapped: WrappedDataKey) => Promise<void>): Promise<void> {
    const { dataKey, tagger } = await freshKeyFor(keyring);
    await store(dataKey.wrapped);
    this.#dataKey = dataKey;
    this.#tagger = tagger;
    this.#keyring = keyring;
  }

  seal<K extends SealedKind>(
    context: SealContext<K>,
    value: unknown,
    options?: SealOptions,
  ): Promise<Sealed<K>> {
    return sealJson(this.#dataKey, context, value, options);
  }

  /** Says that an attempt has logged nothing. */
  tagEmptyLog(attempt: { readonly run: string; readonly epoch: number }): string {
    return this.#tagger(attempt);
  }

  /** Equal keys of cached values give equal tags, and nothing else is seen of them. */
  tagCacheKey(key: string): Promise<string> {
    return blindTag(this.#keyring, "cache-key", key);
  }

  /** Stands for the key of an artifact in its run. */
  tagArtifactKey(run: string, key: string): Promise<string> {
    return artifactKeyTag(this.#keyring, { run, key });
  }

  /** What may be seen of an error: its class, exit and a blind fingerprint; the rest sealed. */
  async sealError(place: ErrorPlace, error: ObservedError): Promise<RunError> {
    const detail = fitting(error.detail);
    const [fingerprint, sealed] = await Promise.all([
      errorFingerprint(this.#keyring, error.detail),
      this.seal({ kind: "error", ...place }, detail),
    ]);
    return {
      class: detail.class,
      exitCode: error.exitCode ?? null,
      signal: error.signal ?? null,
      fingerprint,
      detail: sealed,
    };
  }
}

type EmptyLogTagger = Awaited<ReturnType<typeof createEmptyLogTagger>>;
type Fresh = { readonly dataKey: DataKey; readonly tagger: EmptyLogTagger };

async function freshKeyFor(keyring: Keyring): Promise<Fresh> {
  const dataKey = await createDataKey({ recipients: [publicKeyOf(keyring)], keyring });
  return { dataKey, tagger: await createEmptyLogTagger(dataKey) };
}

// The sealed text may have 96 KiB and is a third longer than what it holds.
const LARGEST_DETAIL_BYTES = 64 * 1024;
const LONGEST_TEXT = 8_192;

/** Leaves causes and stack out of an error too large to be reported whole. */
function fitting(detail: ErrorDetail): ErrorDetail {
  if (Buffer.byteLength(JSON.stringify(detail)) <= LARGEST_DETAIL_BYTES) return detail;
  const { class: name, message, stack } = detail;
  return {
    class: name,
    message: `${message.slice(0, LONGEST_TEXT)}… (shortened)`,
    ...(stack !== undefined && { stack: stack.slice(0, LONGEST_TEXT) }),
  };
}
