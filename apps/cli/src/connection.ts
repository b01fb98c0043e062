import { createClient, type Client } from "@downbeat/client";
import type { CliConfig } from "./config.ts";
import { loadProfile, type LoadedProfile } from "./profile.ts";

export type Connection = { readonly client: Client; readonly profile: LoadedProfile };

/** A client of the API that the profile names. @throws {DownbeatError} `profile_missing` */
export async function connect(config: CliConfig): Promise<Connection> {
  const profile = await loadProfile(config);
  return { client: createClient(profile), profile };
}
