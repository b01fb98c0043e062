import { dirname, join, relative } from "node:path";
import type { WorkspacePublicKey } from "@downbeat/contract";
import { readProfile, writeProfile } from "../profile.ts";

/** Where a keyset goes unless told otherwise: beside the profile. */
export function defaultKeyFile(profilePath: string, workspaceId: string): string {
  return join(dirname(profilePath), "keys", `${workspaceId}.json`);
}

/** Pins the public key in the profile, if there is one, and names the keyset's file there. */
export async function rememberKey(
  profilePath: string,
  { keyId, publicJwk }: WorkspacePublicKey,
  keyFile?: string,
): Promise<void> {
  const profile = await readProfile(profilePath);
  if (profile === undefined) return; // credentials came from the environment; DOWNBEAT_KEY_FILE does the same there
  const { source: _, file: __, ...stored } = profile;
  const named = keyFile ?? stored.keyFile;
  await writeProfile(profilePath, {
    ...stored,
    publicKey: { keyId, publicJwk },
    ...(named !== undefined && { keyFile: relative(dirname(profilePath), named) }),
  });
}
