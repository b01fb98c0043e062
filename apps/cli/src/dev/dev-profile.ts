import { join, relative } from "node:path";
import { createClient } from "@downbeat/client";
import { DownbeatError } from "@downbeat/contract";
import { createKeyset, makeCurrent, publicKeyOf, type WorkspaceKeyset } from "@downbeat/seal";
import { readKeyset, writeKeyset } from "@downbeat/seal/node";
import { readProfile, writeProfile, type Profile } from "../profile.ts";
import { newApiKeyText } from "./api-key-text.ts";

const LOOPBACK_HOSTS = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * The API key of this home, made on the first start and kept in its profile from then on.
 *
 * @throws {DownbeatError} `configuration_invalid` when the home is logged in to an API elsewhere
 */
export async function devApiKey(home: string, apiUrl: string): Promise<string> {
  const path = join(home, "profile.json");
  const profile = await readProfile(path);
  if (profile === undefined) {
    const apiKey = newApiKeyText();
    await writeProfile(path, { apiUrl, apiKey });
    return apiKey;
  }
  if (LOOPBACK_HOSTS.has(new URL(profile.apiUrl).hostname)) return profile.apiKey;
  throw new DownbeatError("configuration_invalid", {
    message: `${home} is logged in to ${profile.apiUrl}; set DOWNBEAT_HOME to another directory to run an API here.`,
  });
}

export type DevWorkspace = {
  readonly profile: Profile & { readonly keyFile: string };
  readonly keyset: WorkspaceKeyset;
};

/** Gives the workspace its key on the first start, registers the public half, and writes the whole profile. */
export async function prepareWorkspace(
  home: string,
  apiUrl: string,
  now: Date,
): Promise<DevWorkspace> {
  const apiKey = await devApiKey(home, apiUrl);
  const client = createClient({ apiUrl, apiKey });
  try {
    const { workspace } = await client.call("whoAmI", {});
    const keyFile = join(home, "keys", `${workspace.id}.json`);
    const keyset = await keysetAt(keyFile, workspace, now);
    const { keyId, publicJwk } = publicKeyOf(keyset);
    if (workspace.key === null)
      await client.call("setWorkspaceKey", { body: { keyId, publicJwk } });
    const profile = { apiUrl, apiKey, workspaceId: workspace.id, publicKey: { keyId, publicJwk } };
    await writeProfile(join(home, "profile.json"), {
      ...profile,
      keyFile: relative(home, keyFile),
    });
    return { profile: { ...profile, keyFile }, keyset };
  } finally {
    await client.close();
  }
}

type KnownWorkspace = { id: string; key: { keyId: string } | null };

async function keysetAt(
  keyFile: string,
  workspace: KnownWorkspace,
  now: Date,
): Promise<WorkspaceKeyset> {
  const stored = await readKeyset(keyFile).catch((error: { code?: string }) => {
    if (error.code === "keyset_missing") return undefined;
    throw error;
  });
  const needed = workspace.key?.keyId;
  if (stored === undefined && needed === undefined) {
    const keyset = await createKeyset({ workspaceId: workspace.id, now });
    await writeKeyset(keyFile, keyset);
    return keyset;
  }
  const keyset = stored && makeCurrent(stored, needed ?? stored.keyId);
  if (keyset !== undefined && (needed === undefined || needed === keyset.keyId)) return keyset;
  throw new DownbeatError(stored === undefined ? "key_missing" : "key_wrong", {
    message: `The workspace's key is ${needed}; ${keyFile} ${stored === undefined ? "does not exist" : `holds ${stored.keyId}`}.`,
  });
}
