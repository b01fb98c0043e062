import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { DownbeatError } from "@downbeat/contract";
import type { WorkspaceKeyset } from "@downbeat/seal";
import { action, type CliContext } from "../context.ts";
import { readSecret } from "../keys/read-secret.ts";
import { refuseKeyInEnvironment } from "../keys/key-in-force.ts";
import { defaultKeyFile, rememberKey } from "../keys/remember-key.ts";
import { profileFileToWrite } from "../profile.ts";
import { shortPath } from "../short-path.ts";

export function keyImportCommand(): Command {
  return new Command("import")
    .argument("<file>", "a keyset, or what `downbeat key export` wrote")
    .description("check a keyset from another machine and take it into use here")
    .option(
      "-o, --out <file>",
      "where to keep it (default: keys/<workspace>.json beside the profile)",
    )
    .action(action(importKey))
    .addHelpText(
      "after",
      `
Refused unless it is a whole keyset of this workspace that holds the key the workspace uses now. A keyset that stands in
its place is joined with it: no key is lost. The passphrase of an exported keyset is asked for, or read from stdin.

With --json: { file, keyId, fingerprint, workspaceId, keys }, where keys is how many the file holds.`,
    );
}

async function importKey(
  context: CliContext,
  { out }: { out?: string },
  source: string,
): Promise<void> {
  refuseKeyInEnvironment(context.config);
  const given = await readGiven(context, resolve(source));
  const { client } = await context.connect();
  const { workspace } = await client.call("whoAmI", {});
  const { storeKeyset } = await import("../keys/store-keyset.ts");
  const { fingerprint, keysOf, publicKeyOf } = await import("@downbeat/seal");
  const profilePath = profileFileToWrite(context.config);
  const file = out === undefined ? defaultKeyFile(profilePath, workspace.id) : resolve(out);
  const keyset = await storeKeyset(file, given, workspace);
  const { keyId, publicJwk } = publicKeyOf(keyset);
  await rememberKey(profilePath, { keyId, publicJwk }, file);
  const keys = keysOf(keyset).length;
  context.output.result(
    { file, keyId, fingerprint: fingerprint(keyId), workspaceId: workspace.id, keys },
    ({ bold }) =>
      `Workspace key ${bold(fingerprint(keyId))} (${keyId}) of "${workspace.name}"\nis in ${shortPath(file)} now${keys === 1 ? "" : `, with ${keys - 1} more that open older data`}.`,
  );
}

async function readGiven(context: CliContext, path: string): Promise<WorkspaceKeyset> {
  const { isKeysetExport, openKeysetExport } = await import("@downbeat/seal");
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new DownbeatError("key_missing", { message: `${path} cannot be read.`, cause });
  });
  const text = new TextDecoder().decode(bytes); // without a byte order mark
  if (isKeysetExport(text)) return openKeysetExport(text, await readSecret(context, "passphrase"));
  const { readKeyset } = await import("@downbeat/seal/node");
  return readKeyset(path);
}
