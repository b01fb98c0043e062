/** Who depends on whom, by name. */
export type DependencyGraph = Readonly<Record<string, readonly string[]>>;

/** The first cycle in the graph, its start named again at the end; undefined when there is none. */
export function findCycle(graph: DependencyGraph): string[] | undefined {
  const settled = new Set<string>();
  for (const start of Object.keys(graph)) {
    const cycle = search(graph, start, [], settled);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

function search(
  graph: DependencyGraph,
  node: string,
  trail: readonly string[],
  settled: Set<string>,
): string[] | undefined {
  if (trail.includes(node)) return [...trail.slice(trail.indexOf(node)), node];
  if (settled.has(node)) return undefined;
  for (const next of graph[node] ?? []) {
    const cycle = search(graph, next, [...trail, node], settled);
    if (cycle !== undefined) return cycle;
  }
  settled.add(node);
  return undefined;
}
