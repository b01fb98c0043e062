import type { OutboxEntry } from "./outbox.ts";

/** Whether the plane has answered these: all, or none because it failed on them. Rejects with what else went wrong. */
export type SendOnce = (entries: readonly OutboxEntry[]) => Promise<boolean>;

// So many failures in a row, and nothing that got through: it is not about single items.
const MOST_IN_VAIN = 16;

/**
 * Sends what the plane fails on as a whole in parts: first run by run, for runs do not mind each other. Once something got
 * through, so that the plane is known to work, the others go item by item; the first of them also while nothing did.
 *
 * @returns the items it failed on although it took others; undefined when it took nothing.
 */
export async function deliverApart(
  entries: readonly OutboxEntry[],
  sendOnce: SendOnce,
): Promise<OutboxEntry[] | undefined> {
  const failedOf = async (parts: readonly OutboxEntry[][]): Promise<OutboxEntry[][]> => {
    const failed: OutboxEntry[][] = [];
    for (const part of parts) if (!(await sendOnce(part))) failed.push(part);
    return failed;
  };
  const runs = byRun(entries);
  const suspects = await failedOf(runs.slice(0, MOST_IN_VAIN));
  const failed: OutboxEntry[][] = [];
  if (suspects.length === Math.min(runs.length, MOST_IN_VAIN)) {
    const items = itemsOf(suspects.shift() ?? []);
    const tried = items.splice(0, MOST_IN_VAIN);
    failed.push(...(await failedOf(tried)));
    if (failed.length === tried.length) return undefined;
    suspects.unshift(items.flat());
  }
  suspects.push(...(await failedOf(runs.slice(MOST_IN_VAIN))));
  failed.push(...(await failedOf(suspects.flatMap(itemsOf))));
  return failed.flat();
}

function itemsOf(part: readonly OutboxEntry[]): OutboxEntry[][] {
  return part.map((entry) => [entry]);
}

function byRun(entries: readonly OutboxEntry[]): OutboxEntry[][] {
  const runs = new Map<string, OutboxEntry[]>();
  for (const entry of entries) {
    const ofRun = runs.get(entry.item.runId);
    if (ofRun === undefined) runs.set(entry.item.runId, [entry]);
    else ofRun.push(entry);
  }
  return [...runs.values()];
}
