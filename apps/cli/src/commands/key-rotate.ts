import { Command } from "commander";
import { DownbeatError, type Workspace } from "@downbeat/contract";
import type { WorkspaceKeyset } from "@downbeat/seal";
import { action, type CliContext } from "../context.ts";
import { recoveryCodeWords } from "../keys/recovery-code-words.ts";
import { rememberKey } from "../keys/remember-key.ts";
import { keyFileInForce } from "../keys/key-in-force.ts";
import { shortPath } from "../short-path.ts";
import { rewrapAll } from "./key-rewrap.ts";

type Options = { prepare?: boolean; rewrap?: boolean; newTags?: boolean };
type Here = { readonly file: string; readonly keyset: WorkspaceKeyset };

export function keyRotateCommand(): Command {
  return new Command("rotate")
    .description("replace the workspace key; what was sealed with the old one stays readable")
    .option(
      "--prepare",
      "only add the next key to the file, so that it can be copied to every agent first",
    )
    .option(
      "--rewrap",
      "then wrap all stored data keys for the new key, like `downbeat key rewrap`",
    )
    .option("--new-tags", "change the key of blind tags too: cached results count as new")
    .action(action(rotateKey))
    .addHelpText(
      "after",
      `
With agents on other machines: \`rotate --prepare\`, copy the file to them, then \`rotate\`. Agents read the file again when
it changes; those with DOWNBEAT_KEY are started again with the new keyset in it. Old keys stay in the file; keep them
until what they sealed is past its retention. Needs the role admin.
The old key signs for the new one, so callers who pinned it follow by themselves. If the old key has leaked, its thief can
sign as well: then let everyone pin the new id by hand, with \`downbeat login\`.

With --json: { file, keyId, fingerprint, previousKeyId, prepared, recoveryCode, rewrapped }; recoveryCode is null with
--prepare, rewrapped is null without --rewrap.`,
    );
}

async function rotateKey(context: CliContext, options: Options): Promise<void> {
  const { client } = await context.connect();
  const { workspace, role } = await client.call("whoAmI", {});
  if (role !== "admin") {
    throw new DownbeatError("role_insufficient", {
      message: `Rotating the workspace key needs the role admin; this key has ${role}.`,
    });
  }
  const here = await prepare(context, workspace, options);
  if (options.prepare === true) return tellPrepared(context, here);
  const { keyset } = await activate(context, here);
  const { fingerprint, recoveryCodeOf } = await import("@downbeat/seal");
  const { keyId } = keyset;
  const rewrapped = options.rewrap === true ? await rewrapAll(context) : null;
  const recoveryCode = await recoveryCodeOf(keyset);
  const previousKeyId = here.keyset.keyId;
  context.output.result(
    {
      file: here.file,
      keyId,
      fingerprint: fingerprint(keyId),
      previousKeyId,
      prepared: false,
      recoveryCode,
      rewrapped,
    },
    ({ bold }) =>
      `Workspace "${workspace.name}" seals with key ${bold(fingerprint(keyId))} (${keyId}) now;\n${fingerprint(previousKeyId)} still opens what it sealed. Both are in ${shortPath(here.file)}.\n\n${recoveryCodeWords(recoveryCode)}`,
  );
  context.output.note(
    "The older code no longer rebuilds the current key. Copy the file to every agent.",
  );
}

/** The file comes first: a key that is the plane's but kept nowhere would lock everyone out. */
async function prepare(
  context: CliContext,
  workspace: Workspace,
  { newTags }: Options,
): Promise<Here> {
  const { makeCurrent, prepareRotation } = await import("@downbeat/seal");
  const { readKeyset, writeKeyset } = await import("@downbeat/seal/node");
  const file = await keyFileInForce(context);
  const stored = await readKeyset(file);
  const needed = workspace.key?.keyId;
  const standing = needed === undefined ? stored : makeCurrent(stored, needed);
  if (standing.keyId !== needed) {
    throw new DownbeatError("key_wrong", {
      message: `Workspace "${workspace.name}" uses key ${needed ?? "(none)"}; ${file} has ${standing.keyId}. Import the current keyset before rotating.`,
    });
  }
  const keyset = await prepareRotation(standing, { now: context.now(), newIndexKey: newTags });
  if (keyset !== stored) await writeKeyset(file, keyset, { replace: true });
  return { file, keyset };
}

async function activate(context: CliContext, { file, keyset }: Here): Promise<Here> {
  const { announceRotation, makeCurrent, publicKeyOf, successorOf } =
    await import("@downbeat/seal");
  const { writeKeyset } = await import("@downbeat/seal/node");
  const next = successorOf(keyset);
  if (next === undefined) throw new DownbeatError("internal", { message: "No key was prepared." });
  const { client, profile } = await context.connect();
  await client.call("rotateWorkspaceKey", { body: await announceRotation(keyset, next) });
  const rotated = makeCurrent(keyset, next.keyId);
  await writeKeyset(file, rotated, { replace: true });
  if (profile.file !== undefined) await rememberKey(profile.file, publicKeyOf(rotated));
  return { file, keyset: rotated };
}

async function tellPrepared(context: CliContext, { file, keyset }: Here): Promise<void> {
  const { fingerprint, successorOf } = await import("@downbeat/seal");
  const keyId = successorOf(keyset)?.keyId ?? keyset.keyId;
  context.output.result(
    {
      file,
      keyId,
      fingerprint: fingerprint(keyId),
      previousKeyId: keyset.keyId,
      prepared: true,
      recoveryCode: null,
      rewrapped: null,
    },
    ({ bold }) =>
      `Key ${bold(fingerprint(keyId))} is in ${shortPath(file)} beside the current one and seals nothing yet.\nCopy the file to every agent, then run \`downbeat key rotate\`.`,
  );
}
