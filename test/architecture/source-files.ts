import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { glob } from "tinyglobby";

/** The repository's root directory, without a trailing slash. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** A file as the rules see it: its path from the root, with slashes, and its text. */
export type SourceFile = { readonly path: string; readonly text: string };

// What no one wrote by hand, or git does not carry.
const NOT_OURS = [
  "**/node_modules/**",
  "**/dist/**",
  "**/.downbeat/**",
  "**/*.tsbuildinfo",
  ".git/**",
  "coverage/**",
  "packages/db/src/generated/**",
];

/** Every TypeScript file of the workspace. */
export function typescriptFiles(): Promise<SourceFile[]> {
  return read(["apps/**/*.{ts,tsx}", "packages/**/*.{ts,tsx}", "test/**/*.ts", "prisma/**/*.ts"]);
}

/** Every file that goes out with the repository and holds text. */
export function publishedFiles(): Promise<SourceFile[]> {
  return read(["**/*", "!**/*.{png,jpg,gif,ico,woff2,parquet,gz}"]);
}

async function read(patterns: string[]): Promise<SourceFile[]> {
  const paths = await glob(patterns, { cwd: ROOT, ignore: NOT_OURS, dot: true });
  return paths.toSorted().map((path) => ({ path, text: readFileSync(`${ROOT}/${path}`, "utf8") }));
}
