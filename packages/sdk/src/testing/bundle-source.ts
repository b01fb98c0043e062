import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

/** Bundles a source module with all it imports into one file that plain Node runs. */
export async function bundleSource(entry: URL, outFile: string): Promise<void> {
  const conditions = ["source", "node", "import", "default"];
  await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions },
    // Optional, and larger than all the rest together.
    ssr: { noExternal: true, external: ["@aws-sdk/client-s3"], resolve: { conditions } },
    build: {
      ssr: fileURLToPath(entry),
      outDir: dirname(outFile),
      emptyOutDir: false,
      // It starts its threads from a file of its own.
      rolldownOptions: {
        external: ["piscina"],
        output: { entryFileNames: basename(outFile), codeSplitting: false },
      },
    },
  });
}
