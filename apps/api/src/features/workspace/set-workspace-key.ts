import { createHash } from "node:crypto";
import { DownbeatError, type Workspace, type WorkspacePublicKey } from "@downbeat/contract";
import { setWorkspaceKey } from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";

/** Registers the workspace's public key, once; registering the same again changes nothing. */
export async function setKey(
  { database }: Services,
  ctx: RequestContext,
  key: WorkspacePublicKey,
): Promise<Workspace> {
  const keyId = thumbprint(key);
  if (keyId !== key.keyId) {
    const issue = {
      path: "keyId",
      message: `is not the thumbprint of this public key, which is ${keyId}`,
    };
    throw new DownbeatError("validation_failed", {
      message: `\`keyId\` ${issue.message}.`,
      issues: [issue],
    });
  }
  return database.inWorkspace(ctx, (tx) => setWorkspaceKey(tx, key));
}

// RFC 7638: the members in this order and nothing else.
function thumbprint({ publicJwk: { crv, kty, x, y } }: WorkspacePublicKey): string {
  return createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
}
