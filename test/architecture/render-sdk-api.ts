import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type Declaration, exportsOf, grouped, mentionedIn } from "./declarations.ts";
import { ROOT } from "./source-files.ts";

const SDK = `${ROOT}/packages/sdk`;
const SUBPATHS = [".", "./testing", "./protocol", "./profile"];

/** Brings the SDK's declarations up to date; does next to nothing when they are. */
export function compileSdk(): void {
  const tsc = `${ROOT}/node_modules/typescript/bin/tsc`;
  execFileSync(process.execPath, [tsc, "-b", SDK], { stdio: "inherit" });
}

/** `docs/sdk-api.md`, made from the SDK's declarations and nothing else. */
export function renderSdkApi(): string {
  const modules = sdkModules();
  const exported = modules.flatMap(({ exports }) => [...exports.values()].flat());
  const parts = mentionedIn(exported).map((it) => [`${it.file} ${it.name}`, it] as const);
  return `# API of the SDK

Everything that \`@downbeat/sdk\` exports, made from its declarations by \`pnpm docs:write\`. A test fails when they differ, so that no change of the API goes
unnoticed, and when an export does not say what it is. [sdk.md](sdk.md) and [testing.md](testing.md) tell what it is for.

${modules.map(({ name, exports }) => `## ${name}\n\n${blocks(exports)}`).join("\n\n")}

## Types that these are made of

Not exported; they are here because a change of them changes what is.

${blocks(grouped(parts))}
`;
}

/** What the SDK exports without a docstring. */
export function undocumentedExports(): string[] {
  return sdkModules().flatMap(({ name, exports }) =>
    [...exports].flatMap(([exportName, declarations]) =>
      declarations.some(({ docstring }) => docstring !== undefined)
        ? []
        : [`${name}: ${exportName}`],
    ),
  );
}

function sdkModules() {
  const manifest = JSON.parse(readFileSync(`${SDK}/package.json`, "utf8")) as {
    readonly exports: Readonly<Record<string, { readonly types: string }>>;
  };
  return SUBPATHS.map((subpath) => ({
    name: `@downbeat/sdk${subpath.slice(1)}`,
    exports: exportsOf(`${SDK}/${manifest.exports[subpath]?.types.slice(2)}`),
  }));
}

function blocks(groups: ReadonlyMap<string, readonly Declaration[]>): string {
  return [...groups.values()]
    .toSorted(([a], [b]) => ((a?.name ?? "") < (b?.name ?? "") ? -1 : 1))
    .map(
      (declarations) => `### ${declarations[0]?.name}\n\n\`\`\`ts\n${code(declarations)}\n\`\`\``,
    )
    .join("\n\n");
}

function code(declarations: readonly Declaration[]): string {
  return declarations
    .map(({ docstring, text }) => (docstring === undefined ? text : `${docstring}\n${text}`))
    .join("\n");
}
