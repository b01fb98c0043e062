import type { Workspace, WorkspacePublicKey } from "@downbeat/contract";
import { setWorkspaceKey } from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { checkThumbprint } from "./check-thumbprint.ts";

/** Registers the workspace's public key, once; registering the same again changes nothing. */
export async function setKey(
  { database }: Services,
  ctx: RequestContext,
  key: WorkspacePublicKey,
): Promise<Workspace> {
  checkThumbprint(key, "keyId");
  return database.inWorkspace(ctx, (tx) => setWorkspaceKey(tx, key));
}
