import { DownbeatError, type EnrolAnswer, type EnrolRequest } from "@downbeat/contract";
import { consumeEnrolmentToken, enrolAgent, findEnrolment } from "@downbeat/db";
import { hashSecret, parseEnrolmentTokenText } from "../../auth/api-key-text.ts";
import type { Services } from "../../services.ts";

/**
 * Joins an agent to the pool its one-time token is for. Enrolling a known name again replaces that agent's key; the same
 * enrolment repeated, because its answer was lost, is answered as before.
 */
export async function enrol(
  { database }: Services,
  { token, name, publicJwk, ephemeral }: EnrolRequest,
): Promise<EnrolAnswer> {
  const { id, secret } = parseEnrolmentTokenText(token);
  return database.asOperator(async (tx) => {
    const used = { id, secretHash: hashSecret(secret) };
    const place = await consumeEnrolmentToken(tx, used);
    if (place === undefined) {
      const standing = await findEnrolment(tx, used, { name, publicJwk });
      if (standing !== undefined) {
        const { agentId, workspaceId, poolName } = standing;
        return { agentId, workspaceId, poolName };
      }
      const message =
        "The enrolment token is unknown, was used before, or is older than ten minutes.";
      throw new DownbeatError("credentials_invalid", { message });
    }
    const { workspaceId, poolId, poolName } = place;
    const { agentId } = await enrolAgent(tx, { workspaceId, poolId, name, publicJwk, ephemeral });
    return { agentId, workspaceId, poolName };
  });
}
