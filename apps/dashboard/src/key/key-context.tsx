import type { Workspace } from "@downbeat/contract";
import { createOpener, type Opener } from "@downbeat/seal";
import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";
import { useCaller } from "../api/caller-context.ts";
import { fetchDataKeys } from "../api/fetch-data-keys.ts";
import { onLink, takeLinkKeyset } from "../session/link-credentials.ts";
import { wordsOf } from "../ui/words-of.ts";
import { KeyLock, type LockState } from "./key-lock.ts";
import { createKeyringStore } from "./keyring-store.ts";
import { createTabChannel } from "./tab-channel.ts";

export type KeyHold = {
  readonly lock: KeyLock;
  readonly state: LockState;
  readonly workspace: Workspace;
  /** Opens sealed values; undefined while locked. A new one for each unlocking, so nothing opened outlives a lock. */
  readonly opener: Opener | undefined;
  /** Why the key that came with the link was refused, in words. */
  readonly linkKeyError: string | undefined;
  /** Shows the form that takes a key. */
  readonly askForKey: () => void;
  readonly asking: boolean;
  readonly stopAsking: () => void;
};

const KeyContext = createContext<KeyHold | undefined>(undefined);

export function useKey(): KeyHold {
  const hold = useContext(KeyContext);
  if (hold === undefined) throw new Error("useKey() is used outside of <KeyProvider>.");
  return hold;
}

/** Gives the page the workspace key, as long as it is unlocked. */
export function KeyProvider({
  workspace,
  children,
}: {
  workspace: Workspace;
  children: ReactNode;
}) {
  const caller = useCaller();
  const [asking, setAsking] = useState(false);
  const lock = useMemo(() => createLock(workspace.id), [workspace.id]);
  const state = useSyncExternalStore(lock.subscribe, lock.state);
  const linkKeyError = useStartedLock(lock);
  useIdleClock(lock);
  const keyring = state.status === "unlocked" ? state.keyring : undefined;
  const opener = useMemo(
    () => keyring && createOpener(keyring, { fetchDataKeys: (ids) => fetchDataKeys(caller, ids) }),
    [keyring, caller],
  );
  const hold = useMemo<KeyHold>(
    () => ({
      lock,
      state,
      workspace,
      opener,
      linkKeyError,
      asking,
      askForKey: () => setAsking(true),
      stopAsking: () => setAsking(false),
    }),
    [lock, state, workspace, opener, linkKeyError, asking],
  );
  return <KeyContext value={hold}>{children}</KeyContext>;
}

function createLock(workspaceId: string): KeyLock {
  return new KeyLock({
    workspaceId,
    store: createKeyringStore(),
    tabs: createTabChannel(),
    nowMs: () => Date.now(),
  });
}

/** Takes the key that came with the link, or restores the one at hand; returns why the link's key was refused. */
function useStartedLock(lock: KeyLock): string | undefined {
  const [linkKeyError, setLinkKeyError] = useState<string>();
  useEffect(() => {
    const showError = (error: unknown) => setLinkKeyError(wordsOf(error));
    const unlockByLink = async () => {
      const keyset = takeLinkKeyset();
      if (keyset === undefined) return;
      setLinkKeyError(undefined);
      await lock.unlock(keyset).catch(showError);
    };
    const disconnect = lock.connect();
    const forget = onLink(() => void unlockByLink());
    unlockByLink()
      .then(() => lock.restore())
      .catch(showError);
    return () => {
      disconnect();
      forget();
    };
  }, [lock]);
  return linkKeyError;
}

/** Counts what people do on the page as activity, and locks when there was none for long enough. */
function useIdleClock(lock: KeyLock): void {
  useEffect(() => {
    const listening = new AbortController();
    const options = { signal: listening.signal, passive: true };
    const touch = () => void lock.touch();
    for (const event of ["pointerdown", "keydown", "wheel"]) {
      window.addEventListener(event, touch, options);
    }
    const timer = setInterval(() => void lock.check(), 1_000);
    return () => {
      listening.abort();
      clearInterval(timer);
    };
  }, [lock]);
}
