import type { Run } from "@downbeat/contract";

/**
 * The rows to show while someone points at the list: the ones already there, in their order, each as it is now. Rows that
 * are new would push the others away under the pointer, so they are counted and wait.
 */
export function heldRows(
  shown: readonly Run[],
  current: readonly Run[],
): { readonly rows: readonly Run[]; readonly waitingCount: number } {
  const currentById = new Map(current.map((run) => [run.id, run]));
  const shownIds = new Set(shown.map(({ id }) => id));
  return {
    rows: shown.map((run) => currentById.get(run.id) ?? run),
    waitingCount: current.filter(({ id }) => !shownIds.has(id)).length,
  };
}
