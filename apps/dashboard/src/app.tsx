import { useSyncExternalStore } from "react";
import { apiKeyStore } from "./session/api-key.ts";
import { SignIn } from "./session/sign-in.tsx";
import { SignedIn } from "./session/signed-in.tsx";

export function App() {
  const { apiKey, refusal } = useSyncExternalStore(apiKeyStore.subscribe, apiKeyStore.state);
  if (apiKey === undefined) return <SignIn refusal={refusal} />;
  // A new key is a new person: nothing read with the old one may stay.
  return <SignedIn key={apiKey} apiKey={apiKey} />;
}
