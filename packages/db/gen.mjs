// Generates the Prisma client into src/generated, offline: `prisma generate` insists on a schema engine binary that it
// then does not use, so it is given a file that exists. Skipped while schema and Prisma version are unchanged.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const schemaFile = path.join(here, "../../prisma/schema.prisma");
const generatedDir = path.join(here, "src/generated");
const stampFile = path.join(generatedDir, ".schema-hash");
const prismaManifest = createRequire(import.meta.url).resolve("prisma/package.json");

const hash = createHash("sha256")
  .update(readFileSync(schemaFile))
  .update(readFileSync(prismaManifest))
  .digest("hex");

if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === hash) {
  console.log("Prisma client is up to date.");
} else {
  const prismaCli = path.join(path.dirname(prismaManifest), "build/index.js");
  execFileSync(process.execPath, [prismaCli, "generate", `--schema=${schemaFile}`], {
    cwd: here,
    stdio: "inherit",
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: "1",
      CHECKPOINT_DISABLE: "1",
    },
  });
  writeFileSync(stampFile, hash);
}
