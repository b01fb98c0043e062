import type { Run, RunFilter } from "@downbeat/contract";
import { listRuns } from "@downbeat/db";
import type { Fixture } from "./db-fixture.ts";

/** The runs of every page of a list, so many at a time. */
export async function everyPage(
  { inside }: Fixture,
  filter: Partial<RunFilter>,
  limit: number,
): Promise<Run[]> {
  const runs: Run[] = [];
  let cursor: string | undefined;
  do {
    const page = await inside((tx) => listRuns(tx, { ...filter, limit, cursor }));
    runs.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return runs;
}
