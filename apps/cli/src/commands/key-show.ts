import { Command } from "commander";
import { action, type CliContext } from "../context.ts";
import { keySourceInForce } from "../keys/key-in-force.ts";

export function keyShowCommand(): Command {
  return new Command("show")
    .description("show the id of the workspace key on this machine; never the key")
    .action(action(showKey))
    .addHelpText(
      "after",
      "\nWith --json: { file, keyId, fingerprint, workspaceId, createdAt, publicJwk, otherKeys }; file is null when the key is in DOWNBEAT_KEY.",
    );
}

async function showKey(context: CliContext): Promise<void> {
  const source = await keySourceInForce(context);
  const { fingerprint, publicKeyOf } = await import("@downbeat/seal");
  const keyset = await source.read();
  const { keyId, workspaceId, publicJwk } = publicKeyOf(keyset);
  const shown = {
    file: source.file ?? null,
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
      `${bold(shown.fingerprint)}  ${keyId}\n${dim("workspace")}  ${workspaceId}\n${dim("created")}    ${shown.createdAt}\n${dim("from")}       ${source.name}${shown.otherKeys
        .map((key) => `\n${dim("also opens")} ${fingerprint(key.keyId)}  ${key.keyId}`)
        .join("")}`,
  );
}
