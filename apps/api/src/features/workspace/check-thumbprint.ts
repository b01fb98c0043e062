import { createHash } from "node:crypto";
import { DownbeatError, type WorkspacePublicKey } from "@downbeat/contract";

/** @throws DownbeatError `validation_failed` at `path` when the id is not the thumbprint of the key beside it */
export function checkThumbprint(key: WorkspacePublicKey, path: string): void {
  const keyId = thumbprint(key);
  if (keyId === key.keyId) return;
  const message = `is not the thumbprint of this public key, which is ${keyId}`;
  throw new DownbeatError("validation_failed", {
    message: `\`${path}\` ${message}.`,
    issues: [{ path, message }],
  });
}

// RFC 7638: the members in this order and nothing else.
function thumbprint({ publicJwk: { crv, kty, x, y } }: WorkspacePublicKey): string {
  return createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
}
