import type { Caller } from "@downbeat/client/caller";
import type { QueryClient } from "@tanstack/react-query";
import { paths } from "../paths.ts";
import { runQuery, TASK_RUNS_AT_FIRST, taskRunsQuery } from "./queries.ts";

const RUN_PATH = new RegExp(`^${paths.run.replace("$runId", "([^/]+)")}/?$`);

/**
 * Asks at once for what the page at this address will show, while who is signed in is still being asked: the sections find it, or wait for the
 * same answers.
 */
export function readAhead(queryClient: QueryClient, caller: Caller, pathname: string): void {
  const runId = RUN_PATH.exec(pathname)?.[1];
  // What fails is asked again by the section that needs it, which also says so.
  if (runId !== undefined) readRunAhead(queryClient, caller, runId).catch(() => {});
}

async function readRunAhead(
  queryClient: QueryClient,
  caller: Caller,
  runId: string,
): Promise<void> {
  const run = await queryClient.query(runQuery(caller, runId));
  // The largest answer of the page. It is of the state the run is in, so it cannot be asked for before.
  await queryClient.query(taskRunsQuery(caller, run, TASK_RUNS_AT_FIRST));
}
