import { startTestRun } from "@downbeat/testkit";
import type { TestProject } from "vitest/node";

// Every project that names this file loads its own copy of it, yet one server is enough for a run; so the count of
// projects still using it stands on globalThis.
const shared = globalThis as typeof globalThis & {
  downbeatTestRun?: { readonly starting: ReturnType<typeof startTestRun>; users: number };
};

/** Starts the run's one PostgreSQL server, or joins it, and tells the test files where it is. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = (shared.downbeatTestRun ??= { starting: startTestRun(), users: 0 });
  run.users += 1;
  const { stop, ...testRun } = await run.starting;
  project.provide("testRun", testRun);
  return async () => {
    run.users -= 1;
    if (run.users > 0) return;
    delete shared.downbeatTestRun;
    await stop();
  };
}
