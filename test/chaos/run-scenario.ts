import { startPostgres } from "@downbeat/testkit/postgres-server";
import { ChaosPlane } from "./chaos-plane.ts";
import { seededRandom } from "./random.ts";
import type { Given, Scenario, Verdict } from "./scenario.ts";

export type RunOptions = Pick<Given, "isQuick" | "freshDatabase"> & { readonly seed: number };

/** Runs one scenario with faults planned from the seed, and ends all that it started. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Verdict> {
  const { seed, isQuick, freshDatabase } = options;
  const ends: (() => Promise<void>)[] = [];
  const planes: ChaosPlane[] = [];
  try {
    const verdict = await scenario.run({
      isQuick,
      freshDatabase,
      random: seededRandom(seed).fork(scenario.name),
      ownServer: async () => {
        const server = await startPostgres({ own: true });
        ends.push(server.stop);
        return server;
      },
      planeOn: async (databaseUrl, intervals) => {
        const plane = await ChaosPlane.create(databaseUrl, intervals);
        planes.push(plane);
        ends.push(() => plane.dispose());
        return plane;
      },
      afterwards: (end) => void ends.push(end),
    });
    const faults = planes.flatMap((plane) => plane.faults());
    const told = faults.map((line) => `a request failed for no known cause: ${line}`);
    return { ...verdict, violations: [...verdict.violations, ...told] };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const words = planes.map((plane) => plane.lastWords()).join("\n");
    throw new Error(`${message}\nWhat the processes said last:\n${words}`, { cause });
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}
