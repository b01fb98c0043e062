import type { KeyRotation, Workspace } from "@downbeat/contract";
import { rotateWorkspaceKey } from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { checkThumbprint } from "./check-thumbprint.ts";

/** Makes another public key the workspace's. Whether the key before it signed that is for those who pinned it to check. */
export async function rotateKey(
  { database }: Services,
  ctx: RequestContext,
  rotation: Omit<KeyRotation, "createdAt">,
): Promise<Workspace> {
  checkThumbprint(rotation.key, "key.keyId");
  return database.inWorkspace(ctx, (tx) => rotateWorkspaceKey(tx, rotation));
}
