import { fingerprint } from "@downbeat/seal";
import { useKey } from "./key-context.tsx";
import { holdsKey } from "./holds-key.ts";

const shortOf = ({ keyId }: { keyId: string }): string => fingerprint(keyId);

/** Says when the key at hand is not the one that this workspace seals with. */
export function KeyNotice() {
  const { state, workspace, linkKeyError } = useKey();
  if (linkKeyError !== undefined && state.status !== "unlocked") {
    return (
      <p className="notice notice--bad" role="alert">
        The key in the link was not taken. {linkKeyError}
      </p>
    );
  }
  if (state.status !== "unlocked" || workspace.key === null) return null;
  if (holdsKey(state.keyring, workspace.key.keyId)) return null;
  return (
    <p className="notice notice--warn" role="status">
      This workspace seals with key <strong>{fingerprint(workspace.key.keyId)}</strong>, you hold{" "}
      <strong>{[state.keyring, ...state.keyring.otherKeys].map(shortOf).join(", ")}</strong>. What
      was sealed with the other key stays closed; lock, and unlock with its key file. After a
      rotation that is the file in which <code>downbeat key rotate</code> left the older keys as
      well.
    </p>
  );
}
