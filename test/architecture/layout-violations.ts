import path from "node:path/posix";

/** What stands at the top of the repository besides dot-files. */
export const TOP_LEVEL: readonly string[] = [
  "LICENSE",
  "README.md",
  "apps",
  "docker-compose.yml",
  "docs",
  "package.json",
  "packages",
  "pnpm-lock.yaml",
  "pnpm-workspace.yaml",
  "prisma",
  "test",
];

const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.(ts|tsx)$/;
// Names that say nothing: such a file takes in everything and is about nothing.
const DUMPING_GROUNDS = ["utils", "util", "helpers", "helper", "common", "misc", "types", "shared"];

/** Checks where files stand and what they are called; one sentence for each offence. */
export function layoutViolations(paths: readonly string[]): string[] {
  return paths.flatMap((file) => [...misplaced(file), ...misnamed(file)]);
}

function misplaced(file: string): string[] {
  const top = file.split("/")[0] ?? "";
  if (top.startsWith(".") || TOP_LEVEL.includes(top)) return [];
  return [`${file}: "${top}" has no place at the top level`];
}

function misnamed(file: string): string[] {
  if (!/\.tsx?$/.test(file)) return [];
  const offences = KEBAB_CASE.test(path.basename(file)) ? [] : [`${file}: not in kebab-case`];
  const parts = file.replace(/\.tsx?$/, "").split("/");
  const vague = parts.find((part) => DUMPING_GROUNDS.includes(part));
  return vague === undefined ? offences : [...offences, `${file}: "${vague}" names nothing`];
}
