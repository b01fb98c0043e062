import type { Keyring } from "@downbeat/seal";

type HeldKeys = Pick<Keyring, "keyId"> & {
  readonly otherKeys: readonly Pick<Keyring, "keyId">[];
};

/** Whether one of the keys at hand, the current one or an older or a prepared one, is that one. */
export function holdsKey({ keyId, otherKeys }: HeldKeys, wanted: string): boolean {
  return [keyId, ...otherKeys.map((key) => key.keyId)].includes(wanted);
}
