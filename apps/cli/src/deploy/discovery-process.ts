/**
 * Runs in a process of its own: imports the files it is told and sends back what flows they export, or with `--config` the
 * project's configuration; with `--prune` it prunes a storage that a file exports. It imports nothing of this command's
 * packages, so that the project's own copy of the SDK is the only one here.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { pruneExported } from "../results/prune-exported.ts";
import type { PruneAnswer, PruneExported } from "../results/prune-request.ts";
import type {
  ConfigMessage,
  DiscoveredFile,
  DiscoveredFlow,
  DiscoveryMessage,
} from "./discovery-message.ts";

const FLOW = Symbol.for("downbeat.flow");

type FlowDefinition = {
  protocol: number;
  name: string;
  isBackground?: true;
  exclusive?: true;
  parametersJsonSchema(): DiscoveredFlow["parameterSchema"];
};

const [projectDirectory = ".", ...paths] = process.argv.slice(2);
process.send?.(await answer(), () => {
  // User modules may hold timers or sockets open; their work is done here.
  process.exit(0);
});

async function answer(): Promise<DiscoveryMessage | ConfigMessage | PruneAnswer> {
  const [mode, given = ""] = paths;
  if (mode === "--config") return importConfig(given);
  if (mode === "--prune") return prune(JSON.parse(given) as PruneExported);
  return importAll();
}

async function prune(request: PruneExported): Promise<PruneAnswer> {
  try {
    const exports = (await importModule(request.path)) as Record<string, unknown>;
    return await pruneExported(exports, request);
  } catch (error) {
    return { error: wordsFor(error) };
  }
}

async function importAll(): Promise<DiscoveryMessage> {
  // A flow is told of where it is found first: an index that passes on what others define comes after them.
  const isIndex = (path: string): boolean => /(^|\/)index\.\w+$/.test(path);
  const ordered = [...paths.filter((path) => !isIndex(path)), ...paths.filter(isIndex)];
  const found = new Set<unknown>();
  const files: DiscoveredFile[] = [];
  for (const path of ordered) files.push(await importFile(path, found));
  return { files };
}

async function importConfig(path: string): Promise<ConfigMessage> {
  try {
    const { default: value } = (await importModule(path)) as { default?: unknown };
    return { value: value ?? null };
  } catch (error) {
    return { error: wordsFor(error) };
  }
}

function importModule(path: string): Promise<unknown> {
  return import(pathToFileURL(resolve(projectDirectory, path)).href);
}

async function importFile(path: string, found: Set<unknown>): Promise<DiscoveredFile> {
  try {
    return { path, flows: flowsOf((await importModule(path)) as Record<string, unknown>, found) };
  } catch (error) {
    return { path, error: wordsFor(error) };
  }
}

function wordsFor(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** @param found flows told of before, whatever their names; those of this module are added */
function flowsOf(module: Record<string, unknown>, found: Set<unknown>): DiscoveredFlow[] {
  const flows: DiscoveredFlow[] = [];
  for (const [name, value] of Object.entries(module)) {
    const definition = definitionOf(value);
    if (definition === undefined || found.has(value)) continue;
    found.add(value);
    flows.push({
      flowName: definition.name,
      export: name,
      parameterSchema: definition.parametersJsonSchema(),
      isBackground: definition.isBackground === true,
      exclusive: definition.exclusive === true,
    });
  }
  return flows;
}

function definitionOf(value: unknown): FlowDefinition | undefined {
  if (
    (typeof value !== "function" && typeof value !== "object") ||
    value === null ||
    !(FLOW in value)
  )
    return undefined;
  const definition = value[FLOW] as FlowDefinition;
  if (definition.protocol === 1) return definition;
  throw new Error(
    `flow "${definition.name}" speaks protocol ${definition.protocol}; this downbeat speaks 1. Update downbeat.`,
  );
}
