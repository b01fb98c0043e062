import { DownbeatError } from "@downbeat/contract";
import type { KeySource } from "@downbeat/seal/node";
import type { CliConfig } from "../config.ts";
import type { CliContext } from "../context.ts";
import { loadProfile } from "../profile.ts";

/**
 * Where this machine has the workspace key.
 *
 * @throws {DownbeatError} `key_missing` when neither environment nor profile names one
 */
export async function keySourceInForce({ config }: CliContext): Promise<KeySource> {
  const { keySourceOf } = await import("@downbeat/seal/node");
  const source = keySourceOf(config) ?? keySourceOf(await loadProfile(config));
  if (source !== undefined) return source;
  throw new DownbeatError("key_missing", {
    message: "Neither DOWNBEAT_KEY, DOWNBEAT_KEY_FILE nor the profile names a workspace key.",
  });
}

/** The keyset file of this machine, for who changes it. @throws {DownbeatError} `key_missing`, `key_read_only` */
export async function keyFileInForce(context: CliContext): Promise<string> {
  const { file } = await keySourceInForce(context);
  if (file !== undefined) return file;
  throw keyReadOnly();
}

/**
 * For who writes a keyset file that would then not be used.
 *
 * @throws {DownbeatError} `key_read_only` when the environment holds the workspace key
 */
export function refuseKeyInEnvironment({ keyText }: CliConfig): void {
  if (keyText !== undefined) throw keyReadOnly();
}

function keyReadOnly(): DownbeatError {
  return new DownbeatError("key_read_only", {
    message:
      "DOWNBEAT_KEY holds the workspace key here, and wins over any file; this command writes a file and cannot change the variable. Nothing was done.",
  });
}
