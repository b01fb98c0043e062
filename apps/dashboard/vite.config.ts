import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defaultClientConditions, defineConfig, type Plugin } from "vite";

/** Scripts and styles are written compressed too: the API sends them as they are. */
const compressed: Plugin = {
  name: "compressed",
  async writeBundle({ dir = "" }, files) {
    for (const file of Object.values(files)) {
      if (!/\.(js|css)$/.test(file.fileName)) continue;
      const content = file.type === "chunk" ? file.code : file.source;
      await writeFile(join(dir, `${file.fileName}.br`), brotliCompressSync(content));
    }
  },
};

export default defineConfig({
  plugins: [react(), compressed],
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
