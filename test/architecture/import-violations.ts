import path from "node:path/posix";
import {
  ENVIRONMENT_READERS,
  MAY_IMPORT,
  NO_NODE_MODULES,
  RESERVED_MODULES,
} from "./import-rules.ts";
import { moduleFacts, type ModuleFacts } from "./module-facts.ts";
import type { SourceFile } from "./source-files.ts";

/** Checks every file against every import rule; one sentence for each offence, none when all is well. */
export function importViolations(files: readonly SourceFile[]): string[] {
  return files.map(moduleFacts).flatMap((facts) => [
    ...facts.imports.flatMap((specifier) =>
      IMPORT_RULES.flatMap((rule) => {
        const offence = rule(facts.path, specifier);
        return offence === undefined ? [] : [`${facts.path} imports "${specifier}": ${offence}`];
      }),
    ),
    ...environmentOffence(facts),
  ]);
}

type ImportRule = (file: string, specifier: string) => string | undefined;

const IMPORT_RULES: readonly ImportRule[] = [
  followsLayers,
  entersByTheDoor,
  staysAtHome,
  namesItsExtension,
  leavesSiblingFeaturesAlone,
  keepsReservedModules,
  runsWithoutNode,
];

const WORKSPACE_PACKAGE = /^@downbeat\/([^/]+)(\/.*)?$/;

function followsLayers(file: string, specifier: string): string | undefined {
  const imported = WORKSPACE_PACKAGE.exec(specifier)?.[1];
  const home = homeOf(file);
  if (imported === undefined || home === undefined || home.endsWith(`/${imported}`)) return;
  const allowed = MAY_IMPORT[home];
  if (allowed === undefined) return `${home} has no line in the table of who may import whom`;
  if (allowed.includes(imported) || isTestingTool(imported, file)) return;
  return `${home} may import ${allowed.join(", ") || "no other package"}`;
}

function isTestingTool(imported: string, file: string): boolean {
  return imported === "testkit" && /\.test\.tsx?$/.test(file);
}

function entersByTheDoor(_file: string, specifier: string): string | undefined {
  const inside = WORKSPACE_PACKAGE.exec(specifier)?.[2];
  if (inside === undefined || !/^\/(src|dist)(\/|$)/.test(inside)) return;
  return "use the package's exports, not its files";
}

function staysAtHome(file: string, specifier: string): string | undefined {
  const home = homeOf(file);
  if (!specifier.startsWith(".") || home === undefined) return;
  if (path.join(path.dirname(file), specifier).startsWith(`${home}/`)) return;
  return `a relative import leaves ${home}`;
}

function namesItsExtension(_file: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".") || /\.(ts|tsx|json|css|svg|mjs)(\?\w+)?$/.test(specifier)) return;
  return "a relative import names the file with its extension, .ts or .tsx";
}

function leavesSiblingFeaturesAlone(file: string, specifier: string): string | undefined {
  const target = specifier.startsWith(".") ? path.join(path.dirname(file), specifier) : specifier;
  const own = featureOf(file);
  const other = featureOf(target);
  if (own === undefined || other === undefined || own === other) return;
  return "a feature does not import a sibling feature; move what both need out of features/";
}

function keepsReservedModules(file: string, specifier: string): string | undefined {
  const rule = RESERVED_MODULES.find(({ modules }) => modules.some((it) => matches(it, specifier)));
  if (rule === undefined || rule.onlyIn.some((place) => isIn(place, file))) return;
  return rule.because;
}

function runsWithoutNode(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith("node:") || isIn("*.test.ts", file)) return;
  const bound = NO_NODE_MODULES.some(
    (folder) => file.startsWith(folder.in) && !(folder.except && file.startsWith(folder.except)),
  );
  return bound ? "this folder also runs in browsers or does no I/O" : undefined;
}

function environmentOffence({ path: file, readsEnvironment }: ModuleFacts): string[] {
  const free = !readsEnvironment || isIn("*.test.ts", file) || isIn("*.config.ts", file);
  if (free || ENVIRONMENT_READERS.some((reader) => reader.test(file))) return [];
  return [`${file} reads process.env: only config.ts of an app does`];
}

function homeOf(file: string): string | undefined {
  return /^(apps|packages)\/[^/]+/.exec(file)?.[0];
}

function featureOf(file: string): string | undefined {
  return /^apps\/[^/]+\/src\/features\/([^/]+)\//.exec(file)?.[1];
}

function matches(pattern: string, specifier: string): boolean {
  return pattern.endsWith("*") ? specifier.startsWith(pattern.slice(0, -1)) : specifier === pattern;
}

function isIn(place: string, file: string): boolean {
  return place.startsWith("*") ? file.endsWith(place.slice(1)) : file.startsWith(place);
}
