import { Command } from "commander";
import { DownbeatError } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { loadProfile } from "../profile.ts";

export function keyShowCommand(): Command {
  return new Command("show")
    .description("show the id of the workspace key on this machine; never the key")
    .action(action(showKey))
    .addHelpText(
      "after",
      "\nWith --json: { file, keyId, fingerprint, workspaceId, createdAt, publicJwk }.",
    );
}

async function showKey(context: CliContext): Promise<void> {
  const file = context.config.keyFile ?? (await loadProfile(context.config)).keyFile;
  if (file === undefined) {
    throw new DownbeatError("key_missing", {
      message: "Neither DOWNBEAT_KEY_FILE nor the profile names a workspace key.",
    });
  }
  const { fingerprint, publicKeyOf } = await import("@downbeat/seal");
  const { readKeyset } = await import("@downbeat/seal/node");
  const keyset = await readKeyset(file);
  const { keyId, workspaceId, publicJwk } = publicKeyOf(keyset);
  const shown = {
    file,
    keyId,
    fingerprint: fingerprint(keyId),
    workspaceId,
    createdAt: keyset.createdAt,
    publicJwk,
  };
  context.output.result(
    shown,
    ({ bold, dim }) =>
      `${bold(shown.fingerprint)}  ${keyId}\n${dim("workspace")}  ${workspaceId}\n${dim("created")}    ${shown.createdAt}\n${dim("file")}       ${file}`,
  );
}
