export { artifactKeyTag, blindTag, errorFingerprint } from "./blind-tag.ts";
export type { ErrorTraits } from "./blind-tag.ts";
export { rebuildKeyset } from "./archive.ts";
export { canonicalJson } from "./canonical-json.ts";
export { createDataKey, dataKeyIsWorn } from "./data-key.ts";
export type { DataKey } from "./data-key.ts";
export { keyProvider } from "./key-provider.ts";
export type { KeyProvider } from "./key-provider.ts";
export { importKeyring, openKeyring } from "./keyring.ts";
export type { Keyring } from "./keyring.ts";
export { createKeyset, fingerprint, keysOf, parseKeyset, publicKeyOf } from "./keyset.ts";
export type { HeldKey, WorkspaceKeyset } from "./keyset.ts";
export { exportKeyset, isKeysetExport, openKeysetExport } from "./keyset-export.ts";
export { LogManifestWriter } from "./log/manifest-writer.ts";
export type { ManifestPart } from "./log/manifest-writer.ts";
export { createOpener } from "./open.ts";
export type { Opener, OpenerOptions } from "./open.ts";
export { keyIdOf } from "./public-key.ts";
export type { WorkspacePublicKey } from "./public-key.ts";
export { parseRecoveryCode, recoveryCodeOf } from "./recovery-code.ts";
export { rewrapDataKey } from "./rewrap.ts";
export {
  announceRotation,
  followRotations,
  makeCurrent,
  prepareRotation,
  successorOf,
} from "./rotation.ts";
export type { RotationNotice } from "./rotation.ts";
export { sealJson, sealText, sealToPublicKey } from "./seal.ts";
export type { SealContext, SealOptions } from "./seal.ts";
export { isSealError, SealError } from "./seal-error.ts";
export type { SealErrorCode } from "./seal-error.ts";
