import { randomInt } from "node:crypto";
import { reserveDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import { runScenario } from "./run-scenario.ts";
import { agentKilled } from "./scenarios/agent-killed.ts";
import { agentStopped } from "./scenarios/agent-stopped.ts";
import { brokenStreams } from "./scenarios/broken-streams.ts";
import { exclusiveStopped } from "./scenarios/exclusive-stopped.ts";
import { fromFailed } from "./scenarios/from-failed.ts";
import { lostResponses } from "./scenarios/lost-responses.ts";
import { planeAway } from "./scenarios/plane-away.ts";

// The long versions, and the other scenarios: `pnpm test:chaos`. They wait for deadlines most of the time, so some run
// at once, each on a plane of its own; how many is said in vitest.config.ts.
it.concurrent.each([
  agentKilled,
  planeAway,
  lostResponses,
  brokenStreams,
  agentStopped,
  exclusiveStopped,
  fromFailed,
])(
  "keeps its promises: $name",
  async (scenario) => {
    const seed = randomInt(2 ** 32 - 1);
    const place = await reserveDatabase("postgres");
    const { url = "" } = place.options;
    try {
      const verdict = await runScenario(scenario, {
        seed,
        isQuick: true,
        freshDatabase: async () => url,
      });
      expect({ seed, ...verdict }).toMatchObject({ violations: [] });
    } catch (cause) {
      throw new Error(`${scenario.name} failed with seed ${seed}`, { cause });
    } finally {
      await place.drop();
    }
  },
  240_000,
);
