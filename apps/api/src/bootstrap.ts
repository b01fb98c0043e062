import { DownbeatError, Name } from "@downbeat/contract";
import {
  createApiKey,
  createPool,
  createWorkspace,
  findApiKey,
  findWorkspaceByName,
  type Database,
} from "@downbeat/db";
import { uuidv7 } from "uuidv7";
import {
  createApiKeyText,
  hashSecret,
  parseApiKeyText,
  secretMatches,
  type ApiKeyParts,
} from "./auth/api-key-text.ts";

const DEFAULT_NAME = "default";

/**
 * Makes sure that the bootstrap key works: an admin key of the workspace `default`, with pool and queue `default`.
 *
 * @throws {DownbeatError} configuration_invalid for a text that is no key, or whose id belongs to another secret.
 */
export async function ensureBootstrapWorkspace(
  database: Database,
  text: string | undefined,
): Promise<void> {
  if (text === undefined) return;
  const key = parseBootstrapKey(text);
  const workspaceId = await database.asOperator(async (tx) => {
    const known = await findApiKey(tx, key.id);
    if (known !== undefined) {
      if (secretMatches(key.secret, known.secretHash)) return known.workspace.id;
      throw invalidKey(
        "its id is known with another secret. Use the key of the first start",
        undefined,
      );
    }
    const workspace =
      (await findWorkspaceByName(tx, DEFAULT_NAME)) ??
      (await createWorkspace(tx, { name: DEFAULT_NAME }));
    await createApiKey(tx, adminKey(workspace.id, key));
    return workspace.id;
  });
  await database.inWorkspace({ workspaceId }, (tx) => createPool(tx, { name: DEFAULT_NAME }));
}

/**
 * Makes a workspace with pool and queue `default` and an admin key, whose text is shown this once.
 *
 * @throws {DownbeatError} validation_failed for a name that cannot be one, conflict when it is taken.
 */
export async function createWorkspaceWithKey(
  database: Database,
  name: string,
): Promise<{ readonly workspaceId: string; readonly apiKey: string }> {
  const id = uuidv7();
  const { text, secret } = createApiKeyText(id);
  const workspaceId = await database.asOperator(async (tx) => {
    const workspace = await createWorkspace(tx, { name: parseName(name) });
    await createApiKey(tx, adminKey(workspace.id, { id, secret }));
    return workspace.id;
  });
  await database.inWorkspace({ workspaceId }, (tx) => createPool(tx, { name: DEFAULT_NAME }));
  return { workspaceId, apiKey: text };
}

function adminKey(workspaceId: string, { id, secret }: ApiKeyParts) {
  return { id, workspaceId, name: "admin", role: "admin", secretHash: hashSecret(secret) } as const;
}

function parseBootstrapKey(text: string): ApiKeyParts {
  try {
    return parseApiKeyText(text);
  } catch (cause) {
    throw invalidKey("it is not the text of an API key", cause);
  }
}

function invalidKey(why: string, cause: unknown): DownbeatError {
  return new DownbeatError("configuration_invalid", {
    message: `DOWNBEAT_BOOTSTRAP_API_KEY: ${why}.`,
    cause,
  });
}

function parseName(name: string): string {
  const parsed = Name.safeParse(name);
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues.map(({ message }) => message).join("; ");
  throw new DownbeatError("validation_failed", {
    message: `"${name}" cannot be a workspace's name: ${why}.`,
  });
}
