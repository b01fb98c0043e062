import { DownbeatError, type Principal } from "@downbeat/contract";
import {
  fingerprint,
  importKeyring,
  isSealError,
  keysOf,
  makeCurrent,
  type Keyring,
  type WorkspaceKeyset,
} from "@downbeat/seal";
import type { KeySource } from "@downbeat/seal/node";

export type WorkspaceKey = { readonly keyset: WorkspaceKeyset; readonly keyring: Keyring };

/**
 * Reads the workspace key and checks that it holds the one this workspace uses. The keyset says which of its keys seals;
 * the plane's word counts only for a newer one that the keyset holds too.
 *
 * @throws DownbeatError `key_missing` or `key_wrong`, naming the key id that is needed.
 */
export async function readWorkspaceKey(
  source: KeySource | undefined,
  workspace: Principal["workspace"],
): Promise<WorkspaceKey> {
  const needed = workspace.key === null ? undefined : named(workspace.key.keyId);
  if (source === undefined) {
    throw new DownbeatError("key_missing", {
      message: `No workspace key is configured on this machine; workspace "${workspace.name}" needs ${needed ?? "one"}. Set DOWNBEAT_KEY_FILE or DOWNBEAT_KEY.`,
    });
  }
  const stored = await source.read().catch((cause: unknown) => {
    throw unreadable(cause, needed);
  });
  const keyset = makeCurrent(stored, workspace.key?.keyId ?? stored.keyId);
  if (workspace.key === null) {
    throw new DownbeatError("key_missing", {
      message: `Workspace "${workspace.name}" has no key registered; register ${named(keyset.keyId)} from ${source.name} with \`downbeat key create\`.`,
    });
  }
  const { keyId } = workspace.key;
  const isHeld = keysOf(keyset).some((key) => key.keyId === keyId);
  if (!isHeld || keyset.workspaceId !== workspace.id) {
    throw new DownbeatError("key_wrong", {
      message: `Workspace "${workspace.name}" needs key ${needed}; ${source.name} holds ${named(keyset.keyId)}.`,
    });
  }
  return { keyset, keyring: await importKeyring(keyset) };
}

function unreadable(cause: unknown, needed: string | undefined): DownbeatError {
  const isMissing = isSealError(cause) && cause.code === "keyset_missing";
  const why = cause instanceof Error ? cause.message : String(cause);
  return new DownbeatError(isMissing ? "key_missing" : "key_wrong", {
    message: needed === undefined ? why : `${why} The workspace needs key ${needed}.`,
    cause,
  });
}

function named(keyId: string): string {
  return `${keyId} (${fingerprint(keyId)})`;
}
