import { agentStands, findApiKey, type Database } from "@downbeat/db";
import type { Principal } from "./principal.ts";

/** Whether the key or agent behind an access token still stands: it exists, and was neither revoked nor has expired. */
export function isStanding(
  database: Database,
  { kind, id }: Principal,
  now: Date,
): Promise<boolean> {
  return database.asOperator(async (tx) => {
    if (kind === "agent") return agentStands(tx, id);
    const key = (await findApiKey(tx, id))?.apiKey;
    return (
      key !== undefined && !key.revoked && (key.expiresAt === null || new Date(key.expiresAt) > now)
    );
  });
}
