import react from "@vitejs/plugin-react";
import { defaultClientConditions, defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // The packages' TypeScript, so that a build needs no other build before it.
  resolve: { conditions: ["source", ...defaultClientConditions] },
  build: {
    target: "es2023",
    // A data: URL would need a wider `font-src` and `img-src` than the page is served with.
    assetsInlineLimit: 0,
    // Every browser with the needed WebCrypto preloads modules itself; the polyfill is code nobody runs.
    modulePreload: { polyfill: false },
    // The budget is of compressed bytes, and test/e2e/page.test.ts holds it.
    chunkSizeWarningLimit: 700,
  },
  server: {
    port: 4201,
    proxy: { "/v1": "http://127.0.0.1:4200" },
  },
});
