import { z } from "zod";
import { plain } from "./boundary.ts";
import { Flag, Id, Instant, Name, text } from "./identifiers.ts";

/** A P-256 public key. Only the public half ever reaches the hosted plane: `d` is refused as an unknown field. */
export const PublicJwk = z.strictObject({
  kty: plain(z.literal("EC")),
  crv: plain(z.literal("P-256")),
  x: plain(z.string().regex(/^[\w-]{43}$/)),
  y: plain(z.string().regex(/^[\w-]{43}$/)),
});
export type PublicJwk = z.infer<typeof PublicJwk>;

/** RFC 7638 thumbprint of a workspace's public key. */
export const KeyId = plain(z.string().regex(/^[\w-]{43}$/));

export const WorkspacePublicKey = z.strictObject({ keyId: KeyId, publicJwk: PublicJwk });
export type WorkspacePublicKey = z.infer<typeof WorkspacePublicKey>;

export const Workspace = z.strictObject({
  id: Id,
  name: Name,
  key: WorkspacePublicKey.nullable(),
  createdAt: Instant,
});
export type Workspace = z.infer<typeof Workspace>;

/** Roles from least to most; each may do what the ones before it may. `agent` stands apart. */
export const ROLES = ["viewer", "runner", "developer", "admin"] as const;
export const Role = plain(z.enum(ROLES));
export type Role = z.infer<typeof Role>;

/** Who is asking. */
export const Principal = z.strictObject({
  kind: plain(z.enum(["api-key", "agent"])),
  id: Id,
  role: plain(z.enum([...ROLES, "agent"])),
  workspace: Workspace,
});
export type Principal = z.infer<typeof Principal>;

export const ApiKey = z.strictObject({
  id: Id,
  name: Name,
  role: Role,
  createdAt: Instant,
  expiresAt: Instant.nullable(),
  revoked: Flag,
});
export type ApiKey = z.infer<typeof ApiKey>;

/** `dnb_<id 32 hex>_<secret 43 base64url><crc32 8 hex>`; shown once, only a SHA-256 of the secret is kept. */
export const ApiKeyText = plain(z.string().regex(/^dnb_[0-9a-f]{32}_[\w-]{51}$/));

/**
 * A data key, wrapped to each recipient (General JWE JSON). `wrapTag` is an HMAC by a key holder: without it the data
 * key may only have sealed parameters, since anyone may wrap to a public key.
 */
export const WrappedDataKey = z.strictObject({
  id: Id,
  wrap: plain(text(2, 16_384), "the data key inside is encrypted to the workspace key"),
  wrapTag: BlindTagOrNull(),
});
export type WrappedDataKey = z.infer<typeof WrappedDataKey>;

function BlindTagOrNull() {
  return plain(z.string().regex(/^[\w-]{43}$/)).nullable();
}

/** A step from one workspace key to the next. The plane keeps it and can neither make nor open what is in it. */
export const KeyRotation = z.strictObject({
  fromKeyId: KeyId,
  key: WorkspacePublicKey,
  /** Compact JWS by the key before: whoever pinned that one can follow to this one. */
  statement: plain(
    z
      .string()
      .max(4096)
      .regex(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/),
    "names the two public keys and carries the older one's signature",
  ),
  /** Compact JWE by the newer key: from it a recovery code rebuilds the older ones. */
  archive: plain(
    z
      .string()
      .max(8192)
      .regex(/^eyJ[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/),
    "the older key inside is encrypted with a key derived from the newer one",
  ),
  createdAt: Instant,
});
export type KeyRotation = z.infer<typeof KeyRotation>;
