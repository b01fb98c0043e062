import { DownbeatError } from "@downbeat/contract";
import type { CliContext } from "../context.ts";
import { loadProfile } from "../profile.ts";

/** The keyset file of this machine. @throws {DownbeatError} `key_missing` when neither environment nor profile names one */
export async function keyFileInForce({ config }: CliContext): Promise<string> {
  const file = config.keyFile ?? (await loadProfile(config)).keyFile;
  if (file !== undefined) return file;
  throw new DownbeatError("key_missing", {
    message: "Neither DOWNBEAT_KEY_FILE nor the profile names a workspace key.",
  });
}
