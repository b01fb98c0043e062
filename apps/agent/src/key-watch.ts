import { stat } from "node:fs/promises";
import type { Caller } from "@downbeat/client";
import { isDownbeatError, type WrappedDataKey } from "@downbeat/contract";
import { fingerprint, successorOf, type Keyring } from "@downbeat/seal";
import type { KeySource } from "@downbeat/seal/node";
import type { Logger } from "pino";
import type { Sealer } from "./sealer.ts";
import { readWorkspaceKey, type WorkspaceKey } from "./workspace-key.ts";

export type KeyWatchOptions = {
  readonly source: KeySource | undefined;
  /** As read when the agent started. */
  readonly key: WorkspaceKey;
  readonly sealer: Sealer;
  readonly client: Pick<Caller, "call">;
  readonly logger: Logger;
};

const CHECK_MS = 2_000;
// A prepared key becomes the current one when the plane says so; nothing but a little delay depends on how soon.
const ASK_PLANE_MS = 30_000;

/**
 * Keeps the agent's keys fresh: reads the keyset again when its file changes, takes a prepared key into use once the plane
 * has, and replaces a data key that is worn or made for a workspace key that is no longer the current one. A file that is
 * broken or of another workspace changes nothing: the keys held go on. A key from the environment stays what it was.
 */
export class KeyWatch {
  readonly #options: KeyWatchOptions;
  #key: WorkspaceKey;
  /** Of the file as it was read last; undefined before the first look. */
  #stamp: string | undefined;
  #askedAtMs = performance.now();
  /** The workspace key for which the data key was made. */
  #sealsForKeyId: string;
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<boolean> | undefined;
  #isTending = false;

  constructor(options: KeyWatchOptions) {
    this.#options = options;
    this.#key = options.key;
    this.#sealsForKeyId = options.key.keyring.keyId;
  }

  get keyring(): Keyring {
    return this.#key.keyring;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.#tendOnce(), CHECK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Reads the file again if it has changed; resolves with whether the keys are other ones now. Never rejects. */
  check(): Promise<boolean> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #check(): Promise<boolean> {
    const { source, client, logger } = this.#options;
    const stamp = await stampOf(source?.file);
    if (stamp === this.#stamp && !this.#mayHaveBeenRotated()) return false;
    try {
      const { workspace } = await client.call("whoAmI", {});
      const key = await readWorkspaceKey(source, workspace);
      this.#stamp = stamp;
      this.#askedAtMs = performance.now();
      return this.#take(key);
    } catch (error) {
      // Read once more only when the file changes again, unless it was the plane that was away.
      if (!isDownbeatError(error) || !error.retryable) this.#stamp = stamp;
      logger.warn(
        { err: error, source: source?.name },
        "the workspace key could not be read again; the one held goes on",
      );
      return false;
    }
  }

  #mayHaveBeenRotated(): boolean {
    return (
      successorOf(this.#key.keyset) !== undefined &&
      performance.now() - this.#askedAtMs > ASK_PLANE_MS
    );
  }

  #take(key: WorkspaceKey): boolean {
    if (JSON.stringify(key.keyset) === JSON.stringify(this.#key.keyset)) return false;
    this.#key = key;
    const { keyId, otherKeys } = key.keyring;
    this.#options.logger.info(
      { keyId, fingerprint: fingerprint(keyId), others: otherKeys.length },
      "workspace key read again",
    );
    return true;
  }

  async #tendOnce(): Promise<void> {
    if (this.#isTending) return;
    this.#isTending = true;
    await this.#tend().finally(() => {
      this.#isTending = false;
    });
  }

  async #tend(): Promise<void> {
    await this.check();
    const { sealer, logger } = this.#options;
    const { keyring } = this.#key;
    if (!sealer.isWorn && this.#sealsForKeyId === keyring.keyId) return;
    try {
      await sealer.renew(keyring, (wrapped) => this.#store(wrapped));
      this.#sealsForKeyId = keyring.keyId;
      logger.info({ keyId: keyring.keyId }, "sealing with a new data key");
    } catch (error) {
      logger.warn({ err: error }, "a new data key could not be stored yet; the old one goes on");
    }
  }

  async #store(wrapped: WrappedDataKey): Promise<void> {
    await this.#options.client.call("createDataKeys", { body: { dataKeys: [wrapped] } });
  }
}

/** Changes whenever the file is written or replaced, also behind a symbolic link. */
async function stampOf(path: string | undefined): Promise<string> {
  if (path === undefined) return "";
  try {
    const { ino, mtimeMs, size } = await stat(path);
    return `${ino} ${mtimeMs} ${size}`;
  } catch {
    return "unreadable"; // reading it says why
  }
}
