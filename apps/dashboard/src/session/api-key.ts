const STORAGE_KEY = "downbeat.api-key";

export type ApiKeyState = {
  readonly apiKey: string | undefined;
  /** Why the last key was refused, in words. */
  readonly refusal: string | undefined;
};

const listeners = new Set<() => void>();
let state: ApiKeyState | undefined;

/**
 * The API key of this tab. Session storage: it survives a reload, is not shared with other tabs, and goes when the tab
 * closes. The access tokens exchanged for it stay in memory.
 */
export const apiKeyStore = {
  state: (): ApiKeyState => {
    state ??= { apiKey: sessionStorage.getItem(STORAGE_KEY) ?? undefined, refusal: undefined };
    return state;
  },
  write: (apiKey: string): void => {
    sessionStorage.setItem(STORAGE_KEY, apiKey);
    enter({ apiKey, refusal: undefined });
  },
  /** Signs out; `refusal` says why, when it was not asked for. */
  clear: (refusal?: string): void => {
    sessionStorage.removeItem(STORAGE_KEY);
    enter({ apiKey: undefined, refusal });
  },
  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

function enter(next: ApiKeyState): void {
  state = next;
  for (const listener of listeners) listener();
}
