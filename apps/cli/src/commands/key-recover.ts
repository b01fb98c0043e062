import { resolve } from "node:path";
import { Command } from "commander";
import { DownbeatError } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { readSecret } from "../keys/read-secret.ts";
import { refuseKeyInEnvironment } from "../keys/key-in-force.ts";
import { defaultKeyFile, rememberKey } from "../keys/remember-key.ts";
import { profileFileToWrite } from "../profile.ts";
import { shortPath } from "../short-path.ts";

export function keyRecoverCommand(): Command {
  return new Command("recover")
    .description("rebuild a lost keyset file from the recovery code")
    .option(
      "-o, --out <file>",
      "where to write it (default: keys/<workspace>.json beside the profile)",
    )
    .action(action(recoverKey))
    .addHelpText(
      "after",
      `
The code is asked for, or read from stdin when that is piped: never given as an argument. What it rebuilds must be the key
that the workspace uses now; older keys come back with it, from archives that only the newer key opens. After a rotation
only the code that the rotation printed will do.

With --json: { file, keyId, fingerprint, workspaceId, keys }.`,
    );
}

async function recoverKey(context: CliContext, { out }: { out?: string }): Promise<void> {
  refuseKeyInEnvironment(context.config);
  const { fingerprint, keysOf, parseRecoveryCode, publicKeyOf, rebuildKeyset } =
    await import("@downbeat/seal");
  const secret = await parseRecoveryCode(await readSecret(context, "recovery code"));
  const { client } = await context.connect();
  const { workspace } = await client.call("whoAmI", {});
  const { items: rotations } = await client.call("listKeyRotations", {});
  const created = rotations.at(-1)?.createdAt ?? workspace.createdAt;
  const keyset = await rebuildKeyset({
    workspaceId: workspace.id,
    secret,
    now: new Date(created),
    rotations,
  });
  const { keyId, publicJwk } = publicKeyOf(keyset);
  if (workspace.key?.keyId !== keyId) {
    throw new DownbeatError("key_wrong", {
      message: `The code rebuilds key ${keyId}; workspace "${workspace.name}" uses ${workspace.key?.keyId ?? "none"}. Take the code that was printed for that one.`,
    });
  }
  const { storeKeyset } = await import("../keys/store-keyset.ts");
  const profilePath = profileFileToWrite(context.config);
  const file = out === undefined ? defaultKeyFile(profilePath, workspace.id) : resolve(out);
  const stored = await storeKeyset(file, keyset, workspace);
  await rememberKey(profilePath, { keyId, publicJwk }, file);
  const keys = keysOf(stored).length;
  context.output.result(
    { file, keyId, fingerprint: fingerprint(keyId), workspaceId: workspace.id, keys },
    ({ bold }) =>
      `Rebuilt workspace key ${bold(fingerprint(keyId))} (${keyId})\nin ${shortPath(file)}; it is the one that "${workspace.name}" uses.`,
  );
}
