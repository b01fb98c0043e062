/**
 * Runs in a process of its own: imports the files it is told and sends back what flows they export. It imports nothing
 * of this command's packages, so that the project's own copy of the SDK is the only one here.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { DiscoveredFile, DiscoveredFlow, DiscoveryMessage } from "./discovery-message.ts";

const FLOW = Symbol.for("downbeat.flow");

type FlowDefinition = {
  protocol: number;
  name: string;
  parametersJsonSchema(): DiscoveredFlow["parameterSchema"];
};

const [projectDirectory = ".", ...paths] = process.argv.slice(2);
const files: DiscoveredFile[] = [];
for (const path of paths) files.push(await importFile(path));
process.send?.({ files } satisfies DiscoveryMessage, () => {
  // User modules may hold timers or sockets open; their work is done here.
  process.exit(0);
});

async function importFile(path: string): Promise<DiscoveredFile> {
  try {
    const module = (await import(pathToFileURL(resolve(projectDirectory, path)).href)) as Record<
      string,
      unknown
    >;
    return { path, flows: flowsOf(module) };
  } catch (error) {
    return { path, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function flowsOf(module: Record<string, unknown>): DiscoveredFlow[] {
  const found = new Map<unknown, DiscoveredFlow>();
  for (const [name, value] of Object.entries(module)) {
    const definition = definitionOf(value);
    // One flow under two names is one flow; the first name stands.
    if (definition === undefined || found.has(value)) continue;
    found.set(value, {
      flowName: definition.name,
      export: name,
      parameterSchema: definition.parametersJsonSchema(),
    });
  }
  return [...found.values()];
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
