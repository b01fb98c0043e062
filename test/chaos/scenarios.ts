import type { Scenario } from "./scenario.ts";
import { agentGone } from "./scenarios/agent-gone.ts";
import { agentKilled } from "./scenarios/agent-killed.ts";
import { agentStopped } from "./scenarios/agent-stopped.ts";
import { brokenStreams } from "./scenarios/broken-streams.ts";
import { databaseRestarts } from "./scenarios/database-restarts.ts";
import { exclusiveStopped } from "./scenarios/exclusive-stopped.ts";
import { fromFailed } from "./scenarios/from-failed.ts";
import { halfOpenSockets, lostResponses } from "./scenarios/lost-responses.ts";
import { networkPartition } from "./scenarios/network-partition.ts";
import { planeAway } from "./scenarios/plane-away.ts";
import { rollingRestarts } from "./scenarios/rolling-restarts.ts";

/** Every scenario, in the order of `docs/chaos.md`. */
export const SCENARIOS: readonly Scenario[] = [
  agentKilled,
  agentGone,
  planeAway,
  databaseRestarts,
  lostResponses,
  halfOpenSockets,
  agentStopped,
  exclusiveStopped,
  rollingRestarts,
  brokenStreams,
  networkPartition,
  fromFailed,
];
