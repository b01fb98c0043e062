import { defineConfig } from "@downbeat/sdk";

export default defineConfig({
  deployments: {
    "seattle-weather": { tags: ["weather"] },
    "flight-delays": { retry: { retriesOnCrash: 1 }, timeoutSeconds: 600 },
  },
});
