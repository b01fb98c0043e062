import { dirname, join, relative } from "node:path";
import type { WorkspacePublicKey } from "@downbeat/contract";
import { readProfile, writeProfile, type LoadedProfile } from "../profile.ts";

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
  const named = keyFile ?? profile.keyFile;
  await rewrite(profilePath, {
    ...profile,
    publicKey: { keyId, publicJwk },
    ...(named !== undefined && { keyFile: named }),
  });
}

/** Names the signing key's file in the profile; false when there is none. */
export async function rememberSigningKey(
  profilePath: string,
  signingKeyFile: string,
): Promise<boolean> {
  const profile = await readProfile(profilePath);
  if (profile === undefined) return false;
  await rewrite(profilePath, { ...profile, signingKeyFile });
  return true;
}

/** Files are named relative to the profile, so that the directory can be moved. */
function rewrite(profilePath: string, profile: LoadedProfile): Promise<void> {
  const { source: _, file: __, keyFile, signingKeyFile, ...stored } = profile;
  const fromThere = (named: string): string => relative(dirname(profilePath), named);
  return writeProfile(profilePath, {
    ...stored,
    ...(keyFile !== undefined && { keyFile: fromThere(keyFile) }),
    ...(signingKeyFile !== undefined && { signingKeyFile: fromThere(signingKeyFile) }),
  });
}
