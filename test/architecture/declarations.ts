import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Comment, type ModuleExportName, parseSync, type Program } from "oxc-parser";

/** One declaration of a `.d.ts` file: of an overloaded function, one of its signatures. */
export type Declaration = {
  readonly file: string;
  readonly name: string;
  readonly docstring: string | undefined;
  /** Without the docstring, and without `export declare`. */
  readonly text: string;
};

type Scope = {
  /** What the file itself declares, exported or not. */
  readonly own: readonly Declaration[];
  readonly exported: ReadonlyMap<string, readonly Declaration[]>;
  /** What it imports from beside it: the file, and the name there. */
  readonly imports: ReadonlyMap<string, readonly [file: string, name: string]>;
};

type TopLevel = Program["body"][number];

const scopes = new Map<string, Scope>();

/** What a declaration file exports, in its own order; re-exports are followed to where they are declared. */
export function exportsOf(file: string): ReadonlyMap<string, readonly Declaration[]> {
  return scopeOf(file).exported;
}

/** The declarations that these mention, and those that those mention, as far as they are in the same package. */
export function mentionedIn(declarations: readonly Declaration[]): Declaration[] {
  const found = new Set(declarations);
  for (const { file, text } of found) {
    for (const [name] of text.replaceAll(COMMENT, "").matchAll(/\b[A-Z]\w*/g))
      for (const declaration of lookUp(file, name)) found.add(declaration);
  }
  return [...found].slice(new Set(declarations).size);
}

/** Puts what has the same key together, in the order in which it comes. */
export function grouped<T>(entries: readonly (readonly [key: string, value: T])[]) {
  const groups = new Map<string, T[]>();
  for (const [key, value] of entries) groups.set(key, [...(groups.get(key) ?? []), value]);
  return groups;
}

const COMMENT = /\/\*[\s\S]*?\*\/|\/\/.*/g;

function lookUp(file: string, name: string): readonly Declaration[] {
  const { own, imports } = scopeOf(file);
  const imported = imports.get(name);
  if (imported !== undefined) return exportsOf(imported[0]).get(imported[1]) ?? [];
  return own.filter((it) => it.name === name);
}

function scopeOf(file: string): Scope {
  const known = scopes.get(file);
  if (known !== undefined) return known;
  const scope = readScope(file);
  scopes.set(file, scope);
  return scope;
}

function readScope(file: string): Scope {
  const text = readFileSync(file, "utf8");
  const { program, comments, errors } = parseSync(file, text);
  if (errors[0] !== undefined) throw new Error(`${file} does not parse: ${errors[0].message}`);
  const statements = program.body.map((statement) => ({
    statement,
    declared: namesIn(statement).map((name) => ({
      file,
      name,
      docstring: docstringOf(statement, comments, text),
      text: withoutModifiers(text.slice(statement.start, statement.end)),
    })),
  }));
  return {
    own: statements.flatMap(({ declared }) => declared),
    exported: grouped(
      statements.flatMap(({ statement, declared }) => exportedBy(statement, declared, file)),
    ),
    imports: new Map(statements.flatMap(({ statement }) => importedBy(statement, file))),
  };
}

type Named = readonly [name: string, declaration: Declaration];

function exportedBy(
  statement: TopLevel,
  declared: readonly Declaration[],
  file: string,
): readonly Named[] {
  if (statement.type === "ExportAllDeclaration")
    return [...exportsOf(fileOf(statement.source.value, file))].flatMap(([name, declarations]) =>
      declarations.map((it) => [name, it] as const),
    );
  if (statement.type !== "ExportNamedDeclaration") return [];
  const { source, specifiers } = statement;
  const elsewhere = specifiers.flatMap(({ exported, local }) => {
    const found = source && exportsOf(fileOf(source.value, file)).get(nameOf(local));
    if (!found) throw new Error(`${file} exports ${nameOf(local)}; where from is not understood`);
    return found.map((it) => [nameOf(exported), it] as const);
  });
  return [...declared.map((it) => [it.name, it] as const), ...elsewhere];
}

function importedBy(statement: TopLevel, file: string) {
  if (statement.type !== "ImportDeclaration") return [];
  const { source, specifiers } = statement;
  if (!source.value.startsWith(".")) return [];
  return specifiers.flatMap((it) =>
    it.type === "ImportSpecifier"
      ? [[it.local.name, [fileOf(source.value, file), nameOf(it.imported)]] as const]
      : [],
  );
}

function namesIn(statement: TopLevel): string[] {
  const it = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
  if (it?.type === "VariableDeclaration")
    return it.declarations.flatMap(({ id }) => (id.type === "Identifier" ? [id.name] : []));
  const isDeclaration =
    it?.type === "TSTypeAliasDeclaration" ||
    it?.type === "TSInterfaceDeclaration" ||
    it?.type === "TSDeclareFunction" ||
    it?.type === "ClassDeclaration";
  return isDeclaration && it.id !== null ? [it.id.name] : [];
}

function docstringOf({ start }: TopLevel, comments: readonly Comment[], text: string) {
  const last = comments.findLast(({ end }) => end <= start);
  if (!last?.value.startsWith("*") || text.slice(last.end, start).trim() !== "") return undefined;
  return text.slice(last.start, last.end);
}

// What is private in a class is no part of what others see.
function withoutModifiers(text: string): string {
  return text
    .replace(/^export /, "")
    .replace(/^declare /, "")
    .replaceAll(/^ *(#private|private [^;]*);\n/gm, "");
}

function fileOf(specifier: string, from: string): string {
  return resolve(dirname(from), specifier).replace(/\.[jt]s$/, ".d.ts");
}

function nameOf(it: ModuleExportName): string {
  return it.type === "Literal" ? it.value : it.name;
}
