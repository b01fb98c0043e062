import { dirname, relative, resolve } from "node:path";
import { Command } from "commander";
import { DownbeatError, type Principal } from "@downbeat/contract";
import type { WorkspacePublicKey } from "@downbeat/seal";
import type { KeySource } from "@downbeat/seal/node";
import { action, type CliContext } from "../context.ts";
import { profileFileToWrite, writeProfile, type Profile } from "../profile.ts";
import { shortPath } from "../short-path.ts";

type Options = { keyId?: string };
type Pin = Pick<WorkspacePublicKey, "keyId" | "publicJwk">;

export function loginCommand(): Command {
  return new Command("login")
    .argument("[api-url]", "origin of the API (else DOWNBEAT_API_URL, else asked)")
    .description("check an API key and write the profile that other commands use")
    .option("--key-id <id>", "the workspace key id you were told, to pin without being asked")
    .action(action(login))
    .addHelpText(
      "after",
      `
The API key comes from DOWNBEAT_API_KEY, from stdin when that is piped, or from a prompt; never from a flag.
The workspace key in DOWNBEAT_KEY or DOWNBEAT_KEY_FILE is used when set. Without one, parameters are sealed to the key id
that you confirm here: compare it with \`downbeat key show\` on a machine that holds the key.

With --json: { profile, apiUrl, workspaceId, workspace, role, keyId }.`,
    );
}

async function login(
  context: CliContext,
  { keyId }: Options,
  url: string | undefined,
): Promise<void> {
  const apiUrl =
    url ??
    context.config.apiUrl ??
    (await askFor(context, "API URL: ", "the API URL as an argument"));
  const apiKey = context.config.apiKey ?? (await secretFor(context));
  const me = await whoIs(apiUrl, apiKey);
  const { workspace } = me;
  const { keyText, keyFile: named } = context.config;
  const { keySourceOf } = await import("@downbeat/seal/node");
  const source = keySourceOf({ keyText, keyFile: named && resolve(named) });
  const pin =
    source === undefined ? await confirmedKey(context, me, keyId) : await keyHeld(source, me);
  const path = profileFileToWrite(context.config);
  await writeProfile(
    path,
    profileOf({ apiUrl, apiKey, workspaceId: workspace.id, pin, keyFile: source?.file, path }),
  );
  context.output.result(
    {
      profile: path,
      apiUrl,
      workspaceId: workspace.id,
      workspace: workspace.name,
      role: me.role,
      keyId: pin?.keyId ?? null,
    },
    () =>
      `Logged in to workspace "${workspace.name}" at ${apiUrl} as ${me.role}. Profile: ${shortPath(path)}`,
  );
  if (pin === undefined) {
    context.output.note(
      "No workspace key is pinned yet: runs without parameters work; `downbeat key create` makes the key.",
    );
  }
}

async function whoIs(apiUrl: string, apiKey: string): Promise<Principal> {
  const { createClient } = await import("@downbeat/client");
  const client = createClient({ apiUrl, apiKey });
  try {
    return await client.call("whoAmI", {});
  } finally {
    await client.close();
  }
}

async function keyHeld(source: KeySource, { workspace }: Principal): Promise<Pin> {
  const { makeCurrent, publicKeyOf } = await import("@downbeat/seal");
  const keyset = makeCurrent(await source.read(), workspace.key?.keyId ?? "");
  const { keyId, publicJwk, workspaceId } = publicKeyOf(keyset);
  if (workspaceId !== workspace.id || (workspace.key !== null && workspace.key.keyId !== keyId)) {
    throw new DownbeatError("key_wrong", {
      message: `${source.name} holds key ${keyId} of workspace ${workspaceId}; this is workspace ${workspace.id} with key ${workspace.key?.keyId ?? "(none)"}.`,
    });
  }
  return { keyId, publicJwk };
}

/** A key that the API names is pinned only after a person, or --key-id, has vouched for it. */
async function confirmedKey(
  context: CliContext,
  { workspace }: Principal,
  keyId?: string,
): Promise<Pin | undefined> {
  if (keyId !== undefined && workspace.key?.keyId !== keyId) {
    throw new DownbeatError("key_wrong", {
      message: `--key-id is ${keyId}, but the API names ${workspace.key?.keyId ?? "no key"}; nothing was written.`,
    });
  }
  if (workspace.key === null) return undefined;
  await refuseForgedId(workspace.key);
  if (keyId !== undefined) return workspace.key;
  if (!context.interactive) return undefined;
  const { ask } = await import("../ask.ts");
  const answer = await ask(
    `The API says the workspace key is\n  ${workspace.key.keyId}\nIs that the id you were told? [y/N] `,
  );
  return /^y(es)?$/i.test(answer) ? workspace.key : undefined;
}

/** The id is a hash of the key: a server that shows the right id beside another key is found out here. */
async function refuseForgedId({ keyId, publicJwk }: Pin): Promise<void> {
  const { keyIdOf } = await import("@downbeat/seal");
  const actual = await keyIdOf(publicJwk);
  if (actual === keyId) return;
  throw new DownbeatError("key_wrong", {
    message: `The API calls its workspace key ${keyId}, but the key it sent is ${actual}; do not trust this server.`,
  });
}

async function askFor(context: CliContext, question: string, instead: string): Promise<string> {
  if (!context.interactive)
    throw new DownbeatError("usage_invalid", {
      message: `Nobody can be asked here; give ${instead}.`,
    });
  const { ask } = await import("../ask.ts");
  return ask(question);
}

async function secretFor(context: CliContext): Promise<string> {
  const { askSecret, readSecretFromStdin } = await import("../ask.ts");
  const secret = context.interactive
    ? await askSecret("API key (dnb_…, not shown): ")
    : process.stdin.isTTY
      ? ""
      : await readSecretFromStdin();
  if (secret !== "") return secret;
  throw new DownbeatError("credentials_missing", {
    message: "No API key: set DOWNBEAT_API_KEY or pipe it into this command.",
  });
}

function profileOf(input: {
  apiUrl: string;
  apiKey: string;
  workspaceId: string;
  pin: Pin | undefined;
  keyFile: string | undefined;
  path: string;
}): Profile {
  const { apiUrl, apiKey, workspaceId, pin, keyFile, path } = input;
  return {
    apiUrl,
    apiKey,
    workspaceId,
    ...(pin !== undefined && { publicKey: { keyId: pin.keyId, publicJwk: pin.publicJwk } }),
    ...(keyFile !== undefined && { keyFile: relative(dirname(path), keyFile) }),
  };
}
