import type { WorkspaceKeyset } from "@downbeat/seal";
import type { Profile } from "../profile.ts";

type Place = Pick<Profile, "apiUrl" | "apiKey">;

/** The page, signed in: credentials stand behind `#`, which browsers never send to a server. */
export function pageUrl({ apiUrl, apiKey }: Place, path: string): string {
  return `${apiUrl}${path}#t=${encodeURIComponent(apiKey)}`;
}

/** The page, signed in and unlocked: the link carries the workspace key. */
export function unlockedPageUrl(place: Place, keyset: WorkspaceKeyset, path: string): string {
  const key = Buffer.from(JSON.stringify(keyset)).toString("base64url");
  return `${pageUrl(place, path)}&k=${key}`;
}
