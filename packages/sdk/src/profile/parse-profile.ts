import { DownbeatError } from "@downbeat/contract";
import type { ProfileSource } from "./read-profile.ts";
import { mergeProfile, parseStoredProfile, type Profile } from "./stored-profile.ts";

/**
 * The profile that environment and file amount to.
 *
 * @throws DownbeatError `configuration_invalid` when the file does not hold one, `profile_missing` when half is missing.
 */
export function parseProfile({ file, ...source }: ProfileSource): Profile {
  const profile = mergeProfile(source, file && parseStoredProfile(file));
  if (profile === undefined) throw new DownbeatError("profile_missing");
  return profile;
}
