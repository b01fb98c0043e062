import { createKeyset } from "@downbeat/seal";
import { describe, expect, test } from "vitest";
import { IDLE_LOCK_MS, KeyLock } from "./key-lock.ts";
import type { KeyringStore, StoredKeyring } from "./keyring-store.ts";
import type { TabChannel, TabMessage } from "./tab-channel.ts";

const workspaceId = "0192aaaa-0000-7000-8000-000000000001";
const keyset = await createKeyset({ workspaceId, now: new Date(0) });

/** One browser: a store and a channel that its tabs share, and a clock. */
function aBrowser() {
  const rows = new Map<string, StoredKeyring>();
  const store: KeyringStore = {
    read: async (id) => rows.get(id),
    write: async (stored) => void rows.set(stored.keyring.workspaceId, stored),
    clear: async (id) => void rows.delete(id),
  };
  const clock = { ms: 1_000_000 };
  const listeners = new Set<(message: TabMessage) => void>();
  const aTab = () => {
    let own: ((message: TabMessage) => void) | undefined;
    const tabs: TabChannel = {
      tell: (message) => listeners.forEach((listen) => listen !== own && listen(message)),
      listen(listener) {
        own = listener;
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    const lock = new KeyLock({ workspaceId, store, tabs, nowMs: () => clock.ms });
    lock.connect();
    return lock;
  };
  return { rows, clock, aTab };
}

/** A browser in which the page may store nothing. */
function nothingKept(): { store: KeyringStore; tabs: TabChannel } {
  const refuse = () => Promise.reject(new Error("The operation is insecure."));
  return {
    store: { read: refuse, write: refuse, clear: refuse },
    tabs: { tell: () => {}, listen: () => () => {} },
  };
}

describe("the key of this browser", () => {
  test("is kept as keys that cannot be read out, never as the keyset", async () => {
    const browser = aBrowser();
    await browser.aTab().unlock(keyset);
    const stored = browser.rows.get(workspaceId)?.keyring;
    expect(stored?.privateKey.extractable).toBe(false);
    expect(stored?.authKey.extractable).toBe(false);
    expect(JSON.stringify(stored)).not.toContain(keyset.privateJwk.d);
  });

  test("survives a reload", async () => {
    const browser = aBrowser();
    await browser.aTab().unlock(keyset);
    const reloaded = browser.aTab();
    expect(reloaded.state().status).toBe("restoring");
    await reloaded.restore();
    expect(reloaded.state()).toMatchObject({
      status: "unlocked",
      keyring: { keyId: keyset.keyId },
    });
  });

  test("is asked for where the browser keeps nothing", async () => {
    const { store, tabs } = nothingKept();
    const lock = new KeyLock({ workspaceId, store, tabs, nowMs: () => 0 });
    await lock.restore();
    expect(lock.state()).toEqual({ status: "locked", because: "never-unlocked" });
  });

  test("is forgotten after 15 minutes without activity", async () => {
    const browser = aBrowser();
    const lock = browser.aTab();
    await lock.unlock(keyset);
    browser.clock.ms += IDLE_LOCK_MS - 1;
    await lock.check();
    expect(lock.state().status).toBe("unlocked");
    browser.clock.ms += 1;
    await lock.check();
    expect(lock.state()).toEqual({ status: "locked", because: "idle" });
    expect(browser.rows.size).toBe(0);
  });

  test("is forgotten as well when the browser was closed all that time", async () => {
    const browser = aBrowser();
    await browser.aTab().unlock(keyset);
    browser.clock.ms += IDLE_LOCK_MS;
    const reopened = browser.aTab();
    await reopened.restore();
    expect(reopened.state()).toEqual({ status: "locked", because: "idle" });
    expect(browser.rows.size).toBe(0);
  });

  test("stays while someone works in any tab", async () => {
    const browser = aBrowser();
    const [used, left] = [browser.aTab(), browser.aTab()];
    await used.unlock(keyset);
    await left.restore();
    browser.clock.ms += IDLE_LOCK_MS - 1_000;
    await used.touch();
    browser.clock.ms += 2_000;
    await left.check();
    expect(left.state().status).toBe("unlocked");
    expect(left.leftMs()).toBe(IDLE_LOCK_MS - 2_000);
  });

  test("cannot be kept alive by activity that comes too late", async () => {
    const browser = aBrowser();
    const lock = browser.aTab();
    await lock.unlock(keyset);
    browser.clock.ms += IDLE_LOCK_MS;
    await lock.touch();
    await lock.check();
    expect(lock.state().status).toBe("locked");
  });

  test("is locked in every tab at once", async () => {
    const browser = aBrowser();
    const [one, other] = [browser.aTab(), browser.aTab()];
    await one.unlock(keyset);
    await other.restore();
    await one.lock("asked");
    expect(other.state().status).toBe("locked");
  });

  test("of another workspace is refused, naming both", async () => {
    const foreignId = "0192aaaa-0000-7000-8000-000000000002";
    const foreign = await createKeyset({ workspaceId: foreignId, now: new Date(0) });
    const lock = aBrowser().aTab();
    const unlock = lock.unlock(foreign);
    await expect(unlock).rejects.toMatchObject({ code: "wrong_key" });
    await expect(unlock).rejects.toThrow(new RegExp(`${foreignId}.*${workspaceId}`));
  });

  test("that is not a keyset is refused", async () => {
    await expect(aBrowser().aTab().unlock({ hello: 1 })).rejects.toMatchObject({
      code: "bad_keyset",
    });
  });
});
