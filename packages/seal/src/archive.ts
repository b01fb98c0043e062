import { base64url, CompactEncrypt, compactDecrypt } from "jose";
import { deriveKey, keyFromSecret } from "./create-key.ts";
import { type HeldKey, parseHeldKey, type WorkspaceKeyset } from "./keyset.ts";
import type { RotationNotice } from "./rotation.ts";
import { SealError } from "./seal-error.ts";

const ARCHIVE_TYPE = "dnb-keys+jwe";

/**
 * Seals the key before with the key after it, for the plane to keep: whoever brings back the newest key brings back all.
 * The content key is derived from the newer private key, so nobody else can make or open one.
 */
export async function sealArchive(input: {
  workspaceId: string;
  key: HeldKey;
  previous: HeldKey;
}): Promise<string> {
  const { workspaceId, key, previous } = input;
  const content = JSON.stringify({ indexKey: key.indexKey, previous });
  return new CompactEncrypt(new TextEncoder().encode(content))
    .setProtectedHeader({
      alg: "dir",
      enc: "A256GCM",
      typ: ARCHIVE_TYPE,
      kid: key.keyId,
      ws: workspaceId,
    })
    .encrypt(await archiveKey(workspaceId, key));
}

/**
 * Rebuilds a keyset from the secret of its current key and the rotations that led to it.
 *
 * @param input.secret 32 bytes, from a recovery code
 * @throws {SealError} `bad_keyset` when the secret is no key, `tampered` when an archive does not open
 */
export async function rebuildKeyset(input: {
  workspaceId: string;
  secret: Uint8Array;
  now: Date;
  rotations: readonly RotationNotice[];
}): Promise<WorkspaceKeyset> {
  const { workspaceId, secret, now, rotations } = input;
  let key = await keyFromSecret(secret, { workspaceId, createdAt: now.toISOString() });
  const newestFirst: HeldKey[] = [];
  for (;;) {
    const notice = rotations.find((rotation) => rotation.key.keyId === key.keyId);
    const isKnown = newestFirst.some(({ keyId }) => keyId === key.keyId);
    if (notice === undefined || isKnown) break;
    const { indexKey, previous } = await openArchive({ workspaceId, key, archive: notice.archive });
    newestFirst.push({ ...key, indexKey });
    key = previous;
  }
  const [current, ...otherKeys] = [...newestFirst, key];
  return { version: 1, workspaceId, ...(current as HeldKey), otherKeys };
}

async function openArchive(input: {
  workspaceId: string;
  key: HeldKey;
  archive: string;
}): Promise<{ indexKey: string; previous: HeldKey }> {
  const { workspaceId, key, archive } = input;
  try {
    const options = { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] };
    const opened = await compactDecrypt(archive, await archiveKey(workspaceId, key), options);
    const content = JSON.parse(new TextDecoder().decode(opened.plaintext)) as ArchiveContent;
    return { indexKey: content.indexKey, previous: await parseHeldKey(content.previous) };
  } catch {
    // No cause: it might quote what was opened, and that is a secret.
    throw new SealError(
      "tampered",
      `The archive of key ${key.keyId} does not open: it was altered, or it is not this key's.`,
    );
  }
}

type ArchiveContent = { indexKey: string; previous: Record<string, unknown> };

async function archiveKey(workspaceId: string, key: HeldKey): Promise<Uint8Array> {
  const secret = base64url.decode(key.privateJwk.d);
  return base64url.decode(await deriveKey(secret, { workspaceId, purpose: "archive key" }));
}
