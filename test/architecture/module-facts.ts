import { type Node, parseSync, Visitor } from "oxc-parser";
import type { SourceFile } from "./source-files.ts";

/** What the rules need to know of one module. */
export type ModuleFacts = {
  readonly path: string;
  /** Every module it imports, re-exports or loads with `import("…")`, in order. */
  readonly imports: readonly string[];
  /** Those of them of which it takes more than types. */
  readonly valueImports: readonly string[];
  /** Whether it calls the global `fetch`, or makes a global `WebSocket` or `EventSource`. */
  readonly usesGlobalNetwork: boolean;
  /** Whether it reads the environment: `process.env`, or `env` out of `node:process`. */
  readonly readsEnvironment: boolean;
};

/**
 * Parses a module and collects its facts. Text in comments and strings does not count.
 *
 * @throws Error when the file does not parse; a file skipped in silence would be a rule not held.
 */
export function moduleFacts({ path, text }: SourceFile): ModuleFacts {
  const { program, module, errors } = parseSync(path, text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${path} does not parse: ${error.message}`);
  const imports = [
    ...module.staticImports.map((found) => found.moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap((entry) => entry.moduleRequest?.value ?? []),
    ),
  ];
  const valueImports = module.staticImports
    .filter(({ entries }) => entries.length === 0 || entries.some(({ isType }) => !isType))
    .map((found) => found.moduleRequest.value);
  let readsEnvironment = false;
  let usesGlobalNetwork = false;
  new Visitor({
    ImportExpression({ source }) {
      if (source.type !== "Literal" || typeof source.value !== "string") return;
      imports.push(source.value);
      valueImports.push(source.value);
    },
    CallExpression({ callee }) {
      usesGlobalNetwork ||= isGlobalNetwork(callee);
    },
    NewExpression({ callee }) {
      usesGlobalNetwork ||= isGlobalNetwork(callee);
    },
    MemberExpression({ object, property }) {
      readsEnvironment ||= isProcess(object) && nameOf(property) === "env";
    },
    VariableDeclarator({ id, init }) {
      if (init === null || !isProcess(init) || id.type !== "ObjectPattern") return;
      readsEnvironment ||= id.properties.some((it) => "key" in it && nameOf(it.key) === "env");
    },
    ImportDeclaration({ source, specifiers }) {
      if (source.value !== "node:process" && source.value !== "process") return;
      readsEnvironment ||= specifiers.some(
        (it) => it.type === "ImportSpecifier" && nameOf(it.imported) === "env",
      );
    },
  }).visit(program);
  return {
    path,
    imports: [...new Set(imports)],
    valueImports: [...new Set(valueImports)],
    usesGlobalNetwork,
    readsEnvironment,
  };
}

const GLOBAL_NETWORK = new Set(["fetch", "WebSocket", "EventSource"]);

function isGlobalNetwork(node: Node): boolean {
  if (node.type === "Identifier") return GLOBAL_NETWORK.has(node.name);
  if (node.type !== "MemberExpression" || node.object.type !== "Identifier") return false;
  return node.object.name === "globalThis" && GLOBAL_NETWORK.has(String(nameOf(node.property)));
}

function isProcess(node: Node): boolean {
  return node.type === "Identifier" && node.name === "process";
}

function nameOf(node: Node): unknown {
  if (node.type === "Identifier") return node.name;
  return node.type === "Literal" ? node.value : undefined;
}
