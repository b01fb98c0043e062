import { existsSync } from "node:fs";
import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import { DownbeatError } from "@downbeat/contract/errors";
import { flowDefinitionOf } from "../flow-definition.ts";
import type { FlowDefinition } from "../flow-definition.ts";
import { typeScriptLoaderRegistered } from "./typescript-loaders.ts";

/** The entrypoint names no flow: the file, the export or the flow of that name is not there. */
export class EntrypointError extends DownbeatError {
  constructor(message: string) {
    super("entrypoint_invalid", { message });
    this.name = "EntrypointError";
  }
}

/** Where a flow is: the absolute path of its module, the export that holds it, and the name it was deployed by. */
export type Entrypoint = {
  readonly modulePath: string;
  readonly exportName: string;
  readonly flowName: string;
};

const TYPESCRIPT = new Set([".ts", ".mts", ".cts", ".tsx"]);

/** Imports flows, each module once; a TypeScript loader is brought in when the first TypeScript module is asked for. */
export class FlowLoader {
  readonly #tsLoaderUrls: readonly string[];
  // Asking Node for a module that it has loaded costs a round trip through the loader's thread: 0.5 ms with TypeScript.
  readonly #loaded = new Map<string, Record<string, unknown>>();
  #tsLoader: Promise<void> | undefined;

  /**
   * @param tsLoaderUrls File URLs of modules whose `register()` lets `import()` take TypeScript, in order. tsx needs two,
   * its CommonJS side first: a `.ts` file in a package without `"type": "module"` does not load through the ESM side alone.
   */
  constructor(tsLoaderUrls: readonly string[]) {
    this.#tsLoaderUrls = tsLoaderUrls;
  }

  /**
   * @throws EntrypointError when there is no such flow; and whatever the module itself throws while it is imported.
   */
  async load(entrypoint: Entrypoint): Promise<FlowDefinition> {
    const { modulePath, exportName, flowName } = entrypoint;
    const exported = this.#loaded.get(modulePath) ?? (await this.#import(modulePath));
    const definition = flowDefinitionOf(exported[exportName]);
    if (definition === undefined) throw new EntrypointError(describeMismatch(entrypoint, exported));
    if (definition.name === flowName) return definition;
    throw new EntrypointError(
      `${modulePath} exports "${exportName}" as flow "${definition.name}", not "${flowName}"; deploy it again`,
    );
  }

  async #import(modulePath: string): Promise<Record<string, unknown>> {
    if (!existsSync(modulePath)) throw new EntrypointError(`there is no file ${modulePath}`);
    if (TYPESCRIPT.has(extname(modulePath)))
      await (this.#tsLoader ??= this.#registerTsLoader(modulePath));
    const namespace = (await import(pathToFileURL(modulePath).href)) as Record<string, unknown>;
    // A CommonJS module may show its exports only on its default.
    const { default: fallback } = namespace;
    const exported =
      typeof fallback === "object" && fallback !== null ? { ...fallback, ...namespace } : namespace;
    this.#loaded.set(modulePath, exported);
    return exported;
  }

  async #registerTsLoader(modulePath: string): Promise<void> {
    if (this.#tsLoaderUrls.length === 0) {
      throw new EntrypointError(
        `${modulePath} is TypeScript and this worker was started without --ts-loader`,
      );
    }
    for (const url of this.#tsLoaderUrls) {
      const loader = (await import(url)) as { register: () => unknown };
      loader.register();
      typeScriptLoaderRegistered(url);
    }
  }
}

function describeMismatch(entrypoint: Entrypoint, exported: Record<string, unknown>): string {
  const { modulePath, exportName } = entrypoint;
  const flows = Object.keys(exported).filter(
    (name) => flowDefinitionOf(exported[name]) !== undefined,
  );
  const found = flows.length === 0 ? "it exports no flow" : `its flows are: ${flows.join(", ")}`;
  const problem =
    exportName in exported
      ? `"${exportName}", which is not a flow`
      : `nothing named "${exportName}"`;
  return `${modulePath} exports ${problem}; ${found}`;
}
