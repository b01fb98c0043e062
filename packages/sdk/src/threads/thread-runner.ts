import { DownbeatError } from "@downbeat/contract/errors";

/** Where a task's function is found by a thread; made by {@link threads}. */
export type ThreadRunner = {
  readonly kind: "threads";
  /** A `file:` URL. */
  readonly module: string;
  readonly exportName: string;
};

/**
 * Runs a task in worker threads, as many at a time as the machine has cores: for work that keeps a core busy and would hold
 * up everything else. The thread imports the module and calls what it exports under that name, which must be the task.
 * Arguments and results are copied (structured clone). A timeout or a cancellation ends the thread at once.
 *
 * @param module The module the task stands in: `import.meta.url`.
 * @example
 * export const resize = task({ name: "resize", runner: threads(import.meta.url, "resize") }, (image: Uint8Array) => { … });
 * @throws DownbeatError `definition_invalid` when the module is no file URL.
 */
export function threads(module: string | URL, exportName: string): ThreadRunner {
  const url = String(module);
  if (url.startsWith("file:")) return { kind: "threads", module: url, exportName };
  throw new DownbeatError("definition_invalid", {
    message: `threads() was given the module ${url}; it takes import.meta.url`,
  });
}
