import { type SubmitEvent, useId, useState } from "react";
import { apiKeyStore } from "./api-key.ts";

/** Takes an API key. It is checked by using it: the form comes back with the server's words if it is refused. */
export function SignIn({ refusal }: { refusal: string | undefined }) {
  const [apiKey, setApiKey] = useState("");
  const inputId = useId();

  function submit(event: SubmitEvent) {
    event.preventDefault();
    apiKeyStore.write(apiKey.trim());
  }

  return (
    <main className="sign-in">
      <h1 className="brand brand--large">Downbeat</h1>
      <form className="panel" onSubmit={submit}>
        <h2>Sign in</h2>
        {refusal !== undefined && (
          <p className="notice notice--bad" role="alert">
            {refusal}
          </p>
        )}
        <label htmlFor={inputId}>API key</label>
        <input
          id={inputId}
          type="password"
          className="input"
          autoComplete="off"
          spellCheck={false}
          placeholder="dnb_…"
          required
          value={apiKey}
          onChange={(event) => setApiKey(event.target.value)}
        />
        <button type="submit" className="button button--primary" disabled={apiKey.trim() === ""}>
          Sign in
        </button>
        <p className="hint">
          On your own machine, open the link that <code>downbeat dev</code> prints: it carries the
          key. Elsewhere, <code>downbeat key create</code> makes one. It is kept in this tab only.
        </p>
      </form>
    </main>
  );
}
