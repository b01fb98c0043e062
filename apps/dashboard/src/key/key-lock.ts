import { type Keyring, openKeyring, SealError } from "@downbeat/seal";
import type { KeyringStore } from "./keyring-store.ts";
import type { TabChannel, TabMessage } from "./tab-channel.ts";

export const IDLE_LOCK_MS = 15 * 60_000;
/** Activity is written down this often at most; a reload may so shorten the idle time by as much. */
const REMEMBER_ACTIVITY_MS = 20_000;

export type LockState =
  | { readonly status: "restoring" }
  | { readonly status: "locked"; readonly because: "never-unlocked" | "asked" | "idle" }
  | { readonly status: "unlocked"; readonly keyring: Keyring };

export type KeyLockDeps = {
  readonly workspaceId: string;
  readonly store: KeyringStore;
  readonly tabs: TabChannel;
  readonly nowMs: () => number;
};

/**
 * Holds the workspace key of this browser, or does not.
 *
 * restoring → unlocked (the store has a key that was in use less than 15 minutes ago) or locked.
 * locked → unlocked by a keyset; unlocked → locked when asked, or after 15 minutes without activity in any tab. Locking
 * also empties the store: after it, only the key file opens anything.
 */
export class KeyLock {
  readonly #deps: KeyLockDeps;
  readonly #listeners = new Set<() => void>();
  #state: LockState = { status: "restoring" };
  #lastActiveAtMs = 0;
  #rememberedAtMs = 0;

  constructor(deps: KeyLockDeps) {
    this.#deps = deps;
  }

  /** For `useSyncExternalStore`. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): LockState => this.#state;

  /** How long until it locks by itself. */
  leftMs(): number {
    return this.#lastActiveAtMs + IDLE_LOCK_MS - this.#deps.nowMs();
  }

  /** Follows other tabs until the returned function is called. */
  connect(): () => void {
    return this.#deps.tabs.listen((message) => this.#hear(message));
  }

  async restore(): Promise<void> {
    const { store, workspaceId } = this.#deps;
    // A store that cannot be read holds no key; the form then says why it takes none.
    const stored = await store.read(workspaceId).catch(() => undefined);
    if (this.#state.status === "unlocked") return;
    if (stored === undefined) return this.#enter({ status: "locked", because: "never-unlocked" });
    this.#lastActiveAtMs = stored.lastActiveAtMs;
    if (this.leftMs() <= 0) return this.lock("idle");
    this.#enter({ status: "unlocked", keyring: stored.keyring });
  }

  /**
   * Imports a keyset; its secrets are not kept, only keys that cannot be read out.
   *
   * @throws {SealError} `bad_keyset`, or `wrong_key` when it belongs to another workspace.
   */
  async unlock(keyset: unknown): Promise<void> {
    const { workspaceId, store, tabs } = this.#deps;
    const keyring = await openKeyring(keyset);
    if (keyring.workspaceId !== workspaceId) {
      throw new SealError(
        "wrong_key",
        `This key belongs to workspace ${keyring.workspaceId}; you are looking at ${workspaceId}.`,
      );
    }
    this.#lastActiveAtMs = this.#deps.nowMs();
    await store.write({ keyring, lastActiveAtMs: this.#lastActiveAtMs });
    this.#enter({ status: "unlocked", keyring });
    tabs.tell({ workspaceId, event: "unlocked" });
  }

  /** Forgets the key, here and in all tabs of the workspace. */
  async lock(because: "asked" | "idle"): Promise<void> {
    const { workspaceId, store, tabs } = this.#deps;
    this.#enter({ status: "locked", because });
    tabs.tell({ workspaceId, event: "locked" });
    await store.clear(workspaceId);
  }

  /** Someone used the page. */
  async touch(): Promise<void> {
    if (this.#state.status !== "unlocked" || this.leftMs() <= 0) return;
    const { nowMs, store, tabs, workspaceId } = this.#deps;
    const { keyring } = this.#state;
    this.#lastActiveAtMs = nowMs();
    if (this.#lastActiveAtMs - this.#rememberedAtMs < REMEMBER_ACTIVITY_MS) return;
    this.#rememberedAtMs = this.#lastActiveAtMs;
    tabs.tell({ workspaceId, event: "active" });
    await store.write({ keyring, lastActiveAtMs: this.#lastActiveAtMs });
  }

  /** Locks when the idle time is over. To be called every second or so; timers of sleeping machines come late. */
  async check(): Promise<void> {
    if (this.#state.status === "unlocked" && this.leftMs() <= 0) await this.lock("idle");
  }

  #hear({ workspaceId, event }: TabMessage): void {
    if (workspaceId !== this.#deps.workspaceId) return;
    if (event === "active") this.#lastActiveAtMs = this.#deps.nowMs();
    if (event === "locked" && this.#state.status === "unlocked") {
      this.#enter({ status: "locked", because: "asked" });
    }
    if (event === "unlocked") void this.restore();
  }

  #enter(state: LockState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
