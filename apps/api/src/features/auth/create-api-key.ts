import type { ROUTES, RouteReply, RouteRequest } from "@downbeat/contract";
import { createApiKey } from "@downbeat/db";
import { uuidv7 } from "uuidv7";
import { createApiKeyText, hashSecret } from "../../auth/api-key-text.ts";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";

type Create = typeof ROUTES.createApiKey;

/** Makes a key and shows its text, this once: only a hash of the secret is stored. */
export async function createKey(
  { database }: Services,
  ctx: RequestContext,
  { name, role, expiresAt }: RouteRequest<Create>["body"],
): Promise<RouteReply<Create>> {
  const id = uuidv7();
  const { text, secret } = createApiKeyText(id);
  const spec = { id, name, role, expiresAt, secretHash: hashSecret(secret) };
  const apiKey = await database.inWorkspace(ctx, (tx) => createApiKey(tx, spec));
  return { apiKey, text };
}
