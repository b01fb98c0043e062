import { fingerprint, openKeysetExport } from "@downbeat/seal";
import { type ChangeEvent, useEffect, useId, useRef, useState } from "react";
import { focusContent } from "../ui/content.ts";
import { wordsOf } from "../ui/words-of.ts";
import { type KeyHold, useKey } from "./key-context.tsx";
import { readKeyFile } from "./read-key-file.ts";

/** Takes the key file, with its passphrase if it has one. The secrets in it go from the file into keys that cannot be read out, and nowhere else. */
export function UnlockDialog() {
  const key = useKey();
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    if (key.asking) dialog.current?.showModal();
    else if (dialog.current?.open === true) close(dialog.current);
  }, [key.asking]);

  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={titleId} onClose={key.stopAsking}>
      {key.asking && <UnlockForm hold={key} titleId={titleId} />}
    </dialog>
  );
}

/** The focus returns to what asked for the key, unless that was opened and is there no more. */
function close(dialog: HTMLDialogElement): void {
  dialog.close();
  if (document.activeElement === document.body) focusContent();
}

function UnlockForm({ hold, titleId }: { hold: KeyHold; titleId: string }) {
  const [error, setError] = useState<string>();
  const [exported, setExported] = useState<string>();
  const inputId = useId();
  const { lock, workspace, state, stopAsking } = hold;

  function take(keyset: Promise<unknown>): Promise<void> {
    setError(undefined);
    return keyset
      .then((opened) => lock.unlock(opened))
      .then(stopAsking, (failure: unknown) => setError(wordsOf(failure)));
  }

  function choose(event: ChangeEvent<HTMLInputElement>) {
    const input = event.target;
    const file = input.files?.[0];
    if (file === undefined) return;
    setError(undefined);
    setExported(undefined);
    readKeyFile(file)
      .then(async (read) => {
        if (read.kind === "export") setExported(read.text);
        else await take(Promise.resolve(read.keyset));
      })
      .catch((failure: unknown) => setError(wordsOf(failure)))
      .finally(() => {
        input.value = ""; // so that choosing the same file again is a change
      });
  }

  return (
    <>
      <h2 id={titleId}>Unlock “{workspace.name}”</h2>
      {state.status === "locked" && state.because === "idle" && (
        <p className="notice">Locked after 15 minutes without activity.</p>
      )}
      <p>
        Parameters, logs and error messages are sealed with your workspace’s key
        {workspace.key !== null && (
          <>
            {" "}
            <strong title={workspace.key.keyId}>{fingerprint(workspace.key.keyId)}</strong>
          </>
        )}
        . They are opened in this browser; the key never travels.
      </p>
      <label htmlFor={inputId}>Key file</label>
      <input id={inputId} type="file" className="input" onChange={choose} />
      {exported !== undefined && (
        <PassphraseForm onPassphrase={(words) => take(openKeysetExport(exported, words))} />
      )}
      {error !== undefined && (
        <p className="notice notice--bad" role="alert">
          {error}
        </p>
      )}
      <p className="hint">
        It is the file that <code>downbeat key create</code> wrote, or one that{" "}
        <code>downbeat key export</code> wrote under a passphrase; under <code>downbeat dev</code>,
        the one in <code>.downbeat/keys/</code>. It is forgotten after 15 minutes without activity.
      </p>
      <button type="button" className="button" onClick={stopAsking}>
        Close
      </button>
    </>
  );
}

/** Asks for what an exported keyset was encrypted under. Deriving its key takes a moment, on purpose. */
function PassphraseForm(props: { onPassphrase: (passphrase: string) => Promise<void> }) {
  const [passphrase, setPassphrase] = useState("");
  const [opening, setOpening] = useState(false);
  const inputId = useId();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setOpening(true);
        void props.onPassphrase(passphrase).finally(() => setOpening(false));
      }}
    >
      <label htmlFor={inputId}>Passphrase</label>
      <input
        id={inputId}
        type="password"
        className="input"
        autoComplete="off"
        autoFocus
        value={passphrase}
        onChange={({ target }) => setPassphrase(target.value)}
      />
      <button type="submit" className="button" disabled={opening || passphrase === ""}>
        {opening ? "Opening…" : "Unlock"}
      </button>
    </form>
  );
}
