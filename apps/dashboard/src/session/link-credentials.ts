import { type LinkCredentials, takeFragment } from "./fragment.ts";

const NONE: LinkCredentials = { apiKey: undefined, keyset: undefined };

// Taken while the first module is evaluated: nothing else has run that could read or copy the address.
let { apiKey, keyset } = takeFragment() ?? NONE;

const listeners = new Set<() => void>();

// A link pasted into a tab that shows this page already does not load it anew. The router listens to the same event, but
// began later, so it never sees the secrets either.
window.addEventListener("popstate", () => {
  const credentials = takeFragment();
  if (credentials === undefined) return;
  ({ apiKey, keyset } = credentials);
  for (const listener of listeners) listener();
});

/** The API key that came with the link, once. */
export function takeLinkApiKey(): string | undefined {
  const taken = apiKey;
  apiKey = undefined;
  return taken;
}

/** The keyset that came with the link, once; after that, only its imported keys are left. */
export function takeLinkKeyset(): unknown {
  const taken = keyset;
  keyset = undefined;
  return taken;
}

/** Calls back when another link was opened in this tab. */
export function onLink(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
