/** What `downbeat dev` puts behind the `#` of the link it prints. A fragment is never sent to a server. */
export type LinkCredentials = {
  readonly apiKey: string | undefined;
  /** The workspace keyset, parsed but not checked. */
  readonly keyset: unknown;
};

/**
 * Reads `#t=<API key>&k=<base64url of the keyset's JSON>`; undefined when the fragment is something else.
 * A keyset that cannot be decoded comes back as undefined: the page then asks for the file.
 */
export function parseFragment(fragment: string): LinkCredentials | undefined {
  const parts = new URLSearchParams(fragment.replace(/^#/, ""));
  const apiKey = parts.get("t") ?? undefined;
  const encodedKeyset = parts.get("k");
  if (apiKey === undefined && encodedKeyset === null) return undefined;
  return { apiKey, keyset: encodedKeyset === null ? undefined : decodeKeyset(encodedKeyset) };
}

/** Reads the fragment of this page and removes it from the address bar and the history entry at once. */
export function takeFragment(): LinkCredentials | undefined {
  const credentials = parseFragment(window.location.hash);
  if (credentials !== undefined) {
    window.history.replaceState(null, "", window.location.pathname + window.location.search);
  }
  return credentials;
}

function decodeKeyset(encoded: string): unknown {
  try {
    const binary = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined; // the error would quote the secret it failed on
  }
}
