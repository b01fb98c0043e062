import { Command } from "commander";
import { action, type CliContext } from "../context.ts";
import { keyFileInForce } from "../keys/key-file-in-force.ts";

export function keyShowCommand(): Command {
  return new Command("show")
    .description("show the id of the workspace key on this machine; never the key")
    .action(action(showKey))
    .addHelpText(
      "after",
      "\nWith --json: { file, keyId, fingerprint, workspaceId, createdAt, publicJwk, otherKeys }.",
    );
}

async function showKey(context: CliContext): Promise<void> {
  const file = await keyFileInForce(context);
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
    otherKeys: keyset.otherKeys.map((key) => ({ keyId: key.keyId, createdAt: key.createdAt })),
  };
  context.output.result(
    shown,
    ({ bold, dim }) =>
      `${bold(shown.fingerprint)}  ${keyId}\n${dim("workspace")}  ${workspaceId}\n${dim("created")}    ${shown.createdAt}\n${dim("file")}       ${file}${shown.otherKeys
        .map((key) => `\n${dim("also opens")} ${fingerprint(key.keyId)}  ${key.keyId}`)
        .join("")}`,
  );
}
