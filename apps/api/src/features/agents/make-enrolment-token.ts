import { DownbeatError, type EnrolmentToken } from "@downbeat/contract";
import { createEnrolmentToken, readPoolByName } from "@downbeat/db";
import { uuidv7 } from "uuidv7";
import { createEnrolmentTokenText, hashSecret } from "../../auth/api-key-text.ts";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";

const VALID_SECONDS = 600;

/** Makes a token with which one agent joins the pool, once, within ten minutes. */
export async function makeEnrolmentToken(
  { database, now }: Services,
  ctx: RequestContext,
  poolName: string,
): Promise<EnrolmentToken> {
  const id = uuidv7();
  const { text, secret } = createEnrolmentTokenText(id);
  await database.inWorkspace(ctx, async (tx) => {
    const pool = await readPoolByName(tx, poolName);
    if (pool === undefined) {
      throw new DownbeatError("pool_not_found", {
        message: `No work pool "${poolName}" exists in this workspace.`,
      });
    }
    const expiresAt = new Date(now().getTime() + VALID_SECONDS * 1000);
    await createEnrolmentToken(tx, {
      id,
      poolId: pool.id,
      secretHash: hashSecret(secret),
      expiresAt,
    });
  });
  return { token: text, poolName, expiresInSeconds: VALID_SECONDS };
}
