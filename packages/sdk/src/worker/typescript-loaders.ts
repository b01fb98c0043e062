const LOADERS = Symbol.for("downbeat.typescript-loaders");
// Shared by all copies of this package: an agent's worker brings the loaders, a project's own copy starts the threads.
const shared = globalThis as { [LOADERS]?: readonly string[] };

/** File URLs of modules whose `register()` was called in this process, so that it loads TypeScript. */
export function typeScriptLoaders(): readonly string[] {
  return shared[LOADERS] ?? [];
}

export function typeScriptLoaderRegistered(url: string): void {
  shared[LOADERS] = [...typeScriptLoaders(), url];
}
