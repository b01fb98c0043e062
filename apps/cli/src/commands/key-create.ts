import { dirname, join, relative, resolve } from "node:path";
import { Command } from "commander";
import { DownbeatError, type Workspace } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { profileFileToWrite, readProfile, writeProfile } from "../profile.ts";
import { shortPath } from "../short-path.ts";

export function keyCreateCommand(): Command {
  return new Command("create")
    .description("make the workspace key, write it here, and register its public half")
    .option(
      "-o, --out <file>",
      "where to write the keyset (default: keys/<workspace>.json beside the profile)",
    )
    .action(action(createKey))
    .addHelpText(
      "after",
      `
The file is written with mode 0600 and never overwritten. Keep a copy somewhere safe: whoever has it can open everything
in the workspace, and if every copy is lost nothing can be opened again. Only the public half goes to the API, and it can
be registered once; that needs an API key of role admin.

With --json: { file, keyId, fingerprint, workspaceId }.`,
    );
}

async function createKey(context: CliContext, { out }: { out?: string }): Promise<void> {
  const { client } = await context.connect();
  const { workspace, role } = await client.call("whoAmI", {});
  refuseUnlessPossible(workspace, role);
  const { createKeyset, fingerprint, publicKeyOf } = await import("@downbeat/seal");
  const { writeKeyset } = await import("@downbeat/seal/node");
  const profilePath = profileFileToWrite(context.config);
  const file = resolve(out ?? join(dirname(profilePath), "keys", `${workspace.id}.json`));
  const keyset = await createKeyset({ workspaceId: workspace.id, now: context.now() });
  // Written first: a key that is registered but kept nowhere would lock everyone out.
  await writeKeyset(file, keyset);
  const { keyId, publicJwk } = publicKeyOf(keyset);
  await client.call("setWorkspaceKey", { body: { keyId, publicJwk } });
  await rememberKey(profilePath, { keyId, publicJwk }, file);
  context.output.result(
    { file, keyId, fingerprint: fingerprint(keyId), workspaceId: workspace.id },
    ({ bold }) =>
      `Workspace key ${bold(fingerprint(keyId))} (${keyId})\nwritten to ${shortPath(file)} and registered for "${workspace.name}".`,
  );
  context.output.note(
    "Copy the file to a safe place and to your agents (DOWNBEAT_KEY_FILE); it cannot be recovered.",
  );
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

async function rememberKey(
  profilePath: string,
  publicKey: { keyId: string; publicJwk: { kty: "EC"; crv: "P-256"; x: string; y: string } },
  file: string,
): Promise<void> {
  const profile = await readProfile(profilePath);
  if (profile === undefined) return; // credentials came from the environment; DOWNBEAT_KEY_FILE does the same there
  const { source: _, ...stored } = profile;
  await writeProfile(profilePath, {
    ...stored,
    publicKey,
    keyFile: relative(dirname(profilePath), file),
  });
}
