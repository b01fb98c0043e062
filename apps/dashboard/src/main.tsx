// First of all: the secrets leave the address bar before any other module is evaluated.
import "./session/link-credentials.ts";
// Second: before any module that makes a zod schema.
import "./zod-without-eval.ts";
import "./styles/theme.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/controls.css";
import "./styles/state.css";
import "./styles/runs.css";
import "./styles/run-days.css";
import "./styles/run.css";
import "./styles/log.css";
import "./styles/artifacts.css";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { apiKeyStore } from "./session/api-key.ts";
import { onLink, takeLinkApiKey } from "./session/link-credentials.ts";

signInByLink();
onLink(signInByLink);

const root = document.getElementById("root");
if (root === null) throw new Error('index.html has no element with the id "root".');
createRoot(root).render(<App />);

function signInByLink(): void {
  const apiKey = takeLinkApiKey();
  if (apiKey !== undefined) apiKeyStore.write(apiKey);
}
