import { DownbeatError, type Workspace } from "@downbeat/contract";
import { keysOf, makeCurrent, publicKeyOf, type WorkspaceKeyset } from "@downbeat/seal";
import { readKeyset, writeKeyset } from "@downbeat/seal/node";

/**
 * Writes a keyset from elsewhere to its place on this machine, joined with the keys that stand there.
 *
 * @returns the keyset as written
 * @throws {DownbeatError} `key_wrong` when it is of another workspace, or lacks the key that the workspace uses
 */
export async function storeKeyset(
  file: string,
  given: WorkspaceKeyset,
  workspace: Workspace,
): Promise<WorkspaceKeyset> {
  refuseForeign(given, workspace);
  const standing = await readKeyset(file).catch((error: { code?: string }) => {
    if (error.code === "keyset_missing") return undefined;
    throw error;
  });
  if (standing !== undefined) refuseForeign(standing, workspace);
  const joined = standing === undefined ? given : join(given, standing);
  const keyset = workspace.key === null ? joined : makeCurrent(joined, workspace.key.keyId);
  refuseUnused(keyset, workspace);
  await writeKeyset(file, keyset, { replace: true });
  return keyset;
}

/** Whichever has the newer current key stays on top; of the other nothing is lost. */
function join(one: WorkspaceKeyset, other: WorkspaceKeyset): WorkspaceKeyset {
  const [top, rest] = one.createdAt >= other.createdAt ? [one, other] : [other, one];
  const known = new Set(keysOf(top).map(({ keyId }) => keyId));
  const added = keysOf(rest).filter(({ keyId }) => !known.has(keyId));
  return { ...top, otherKeys: [...top.otherKeys, ...added] };
}

function refuseForeign(keyset: WorkspaceKeyset, workspace: Workspace): void {
  if (keyset.workspaceId === workspace.id) return;
  throw new DownbeatError("key_wrong", {
    message: `This key belongs to workspace ${keyset.workspaceId}; the profile's is ${workspace.id} ("${workspace.name}").`,
  });
}

function refuseUnused(keyset: WorkspaceKeyset, { key, name }: Workspace): void {
  const { keyId } = publicKeyOf(keyset);
  if (key === null || keysOf(keyset).some((held) => held.keyId === key.keyId)) return;
  throw new DownbeatError("key_wrong", {
    message: `Workspace "${name}" uses key ${key.keyId}, which is not in this keyset; its current key is ${keyId}.`,
  });
}
