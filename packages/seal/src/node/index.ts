export { createEmptyLogTagger } from "./empty-log-tagger.ts";
export { KEY_VARIABLE, keySourceOf } from "./key-source.ts";
export type { KeySource } from "./key-source.ts";
export { readKeyset, writeKeyset } from "./keyset-file.ts";
export type { WriteKeysetOptions } from "./keyset-file.ts";
export {
  createSigningKey,
  parseTrustedSigners,
  publicKeySetOf,
  readSigningKey,
  signerOf,
  writeSigningKey,
} from "./signing-key.ts";
export type { Signer, SigningKey, TrustedSigners } from "./signing-key.ts";
export { digestOf, signDeployment, signInput, signTrigger, verifyStatement } from "./statements.ts";
export type { Signing } from "./statements.ts";
