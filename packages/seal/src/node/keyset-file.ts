import { parseKeyset, type WorkspaceKeyset } from "../keyset.ts";
import { readKeyFile, writeKeyFile } from "./key-file.ts";

export type WriteKeysetOptions = {
  /** Replaces a keyset that stands there. Default false: overwriting one can make everything sealed with it unreadable. */
  readonly replace?: boolean | undefined;
};

/**
 * Reads a keyset file.
 *
 * @throws {SealError} `keyset_missing`, `keyset_exposed` when group or others may read it, `bad_keyset`,
 * `keyset_unreachable`
 */
export async function readKeyset(path: string): Promise<WorkspaceKeyset> {
  return parseKeyset(await readKeyFile({ path, what: "keyset" }));
}

/**
 * Writes a keyset file with mode 0600, whole or not at all; directories made for it get mode 0700. Of two processes that
 * write at the same time one succeeds and the other gets `keyset_exists`.
 *
 * @throws {SealError} `keyset_exists`, `bad_keyset`, `keyset_unreachable`
 */
export async function writeKeyset(
  path: string,
  keyset: WorkspaceKeyset,
  { replace = false }: WriteKeysetOptions = {},
): Promise<void> {
  await writeKeyFile({ path, what: "keyset" }, await parseKeyset(keyset), { replace });
}
