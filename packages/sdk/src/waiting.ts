import { DownbeatError } from "@downbeat/contract/errors";

/** Something that may wait for another: a task run, or a map. */
export interface Waiting {
  /** For messages: `task "fetch-day"`. */
  readonly owner: string;
  /** Whose code called this one and so, as far as can be known, waits for it too. */
  readonly parent: Waiting | undefined;
  /** Made when it first waits. */
  waitsFor: Set<Waiting> | undefined;
}

/**
 * Notes that `waiter`, and with it whoever waits for it, waits for `target`. Returns what takes the note back.
 *
 * @throws DownbeatError `future_cyclic` when `target` waits for one of them already: neither could ever end.
 */
export function waitFor(waiter: Waiting, target: Waiting): () => void {
  const chain: Waiting[] = [];
  for (let it: Waiting | undefined = waiter; it !== undefined; it = it.parent) chain.push(it);
  const blocked = chain.find((link) => reaches(target, link));
  if (blocked !== undefined) throw cyclic(waiter, target);
  for (const link of chain) (link.waitsFor ??= new Set()).add(target);
  return () => {
    for (const link of chain) link.waitsFor?.delete(target);
  };
}

function reaches(from: Waiting, to: Waiting): boolean {
  const seen = new Set<Waiting>();
  const open = [from];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === to) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    if (next.waitsFor !== undefined) open.push(...next.waitsFor);
  }
  return false;
}

function cyclic(waiter: Waiting, target: Waiting): DownbeatError {
  const reason =
    waiter === target
      ? "which is itself"
      : `which waits for ${waiter.owner}: neither could ever end`;
  return new DownbeatError("future_cyclic", {
    message: `${waiter.owner} waits for ${target.owner}, ${reason}`,
  });
}
