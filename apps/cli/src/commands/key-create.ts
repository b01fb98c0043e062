import { resolve } from "node:path";
import { Command } from "commander";
import { DownbeatError, type Workspace } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { refuseKeyInEnvironment } from "../keys/key-in-force.ts";
import { defaultKeyFile, rememberKey } from "../keys/remember-key.ts";
import { recoveryCodeWords } from "../keys/recovery-code-words.ts";
import { profileFileToWrite } from "../profile.ts";
import { shortPath } from "../short-path.ts";

export function keyCreateCommand(): Command {
  return new Command("create")
    .description("make the workspace key, write it here, and register its public half")
    .option("--signing", "make a key that signs deployments and triggers instead")
    .option(
      "-o, --out <file>",
      "where to write it (default: keys/<workspace>.json, or keys/signing.json, beside the profile)",
    )
    .action(action(createKey))
    .addHelpText(
      "after",
      `
The file is written with mode 0600 and never overwritten. Whoever has it can open everything in the workspace. Only the
public half goes to the API; that needs an API key of role admin. The recovery code is shown this once: write it down, for
with it \`downbeat key recover\` rebuilds a lost file. If file and code are lost, nothing can be opened again.

With --signing: a key for agents that run only signed work (docs/sealing.md, "Signed work"). It opens nothing and is not told
to the API. Its public half is written beside it as a JWK Set, for the agents' DOWNBEAT_SIGNERS_FILE. The profile remembers
it, and \`deploy\`, \`run\` and \`runs resume\` then sign with it.

With --json: { file, keyId, fingerprint, workspaceId, recoveryCode }; with --signing { file, signersFile, keyId, fingerprint }.`,
    );
}

type Options = { out?: string; signing?: boolean };

async function createKey(context: CliContext, { out, signing }: Options): Promise<void> {
  if (signing === true) {
    const { makeSigningKey } = await import("../keys/create-signing-key.ts");
    return makeSigningKey(context, out);
  }
  refuseKeyInEnvironment(context.config);
  const { client } = await context.connect();
  const { workspace, role } = await client.call("whoAmI", {});
  refuseUnlessPossible(workspace, role);
  const { createKeyset, fingerprint, publicKeyOf, recoveryCodeOf } = await import("@downbeat/seal");
  const { writeKeyset } = await import("@downbeat/seal/node");
  const profilePath = profileFileToWrite(context.config);
  const file = out === undefined ? defaultKeyFile(profilePath, workspace.id) : resolve(out);
  const keyset = await createKeyset({ workspaceId: workspace.id, now: context.now() });
  // Written first: a key that is registered but kept nowhere would lock everyone out.
  await writeKeyset(file, keyset);
  const { keyId, publicJwk } = publicKeyOf(keyset);
  await client.call("setWorkspaceKey", { body: { keyId, publicJwk } });
  await rememberKey(profilePath, { keyId, publicJwk }, file);
  const recoveryCode = await recoveryCodeOf(keyset);
  context.output.result(
    { file, keyId, fingerprint: fingerprint(keyId), workspaceId: workspace.id, recoveryCode },
    ({ bold }) =>
      `Workspace key ${bold(fingerprint(keyId))} (${keyId})\nwritten to ${shortPath(file)} and registered for "${workspace.name}".\n\n${recoveryCodeWords(recoveryCode)}`,
  );
  context.output.note("Copy the file to your agents (DOWNBEAT_KEY_FILE).");
}

function refuseUnlessPossible(workspace: Workspace, role: string): void {
  if (workspace.key !== null) {
    throw new DownbeatError("workspace_key_mismatch", {
      message: `Workspace "${workspace.name}" already has key ${workspace.key.keyId}; another would leave its data closed.`,
    });
  }
  if (role !== "admin") {
    throw new DownbeatError("role_insufficient", {
      message: `Registering the workspace key needs the role admin; this key has ${role}.`,
    });
  }
}
