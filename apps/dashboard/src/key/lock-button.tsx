import { fingerprint, type Keyring } from "@downbeat/seal";
import { formatCountdown } from "../format/duration.ts";
import { LockIcon } from "../ui/lock-icon.tsx";
import { useNow } from "../ui/use-now.ts";
import { useKey } from "./key-context.tsx";
import type { KeyLock } from "./key-lock.ts";

/** Shows whether sealed values can be read, and for how long; locks and unlocks. */
export function LockButton() {
  const { lock, state, askForKey } = useKey();
  if (state.status === "unlocked") {
    return (
      <button
        type="button"
        className="button lock lock--open"
        onClick={() => void lock.lock("asked")}
        title={`Unlocked with key ${heldWords(state.keyring)}. Click to lock now; it locks by itself when idle.`}
      >
        <LockIcon open /> Unlocked <TimeLeft lock={lock} />
      </button>
    );
  }
  return (
    <button
      type="button"
      className="button lock"
      onClick={askForKey}
      disabled={state.status === "restoring"}
    >
      <LockIcon /> Locked
    </button>
  );
}

function TimeLeft({ lock }: { lock: KeyLock }) {
  useNow();
  return <span className="number">{formatCountdown(lock.leftMs())}</span>;
}

function heldWords({ keyId, otherKeys }: Keyring): string {
  const others = otherKeys.length;
  return fingerprint(keyId) + (others === 0 ? "" : ` and ${others} of other times`);
}
