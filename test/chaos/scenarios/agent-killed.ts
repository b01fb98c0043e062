import { Ledger } from "../ledger.ts";
import { triggerRuns } from "../load.ts";
import { findingsOf, verdictOf, type Scenario } from "../scenario.ts";
import { SupervisedAgent } from "../supervised-agent.ts";

const INTERVALS = {
  leaseSeconds: 6,
  heartbeatSeconds: 1,
  reconnectWindowSeconds: 8,
  sweepSeconds: 1,
};

export const agentKilled: Scenario = {
  name: "agent-killed",
  about: "a supervised agent is killed with SIGKILL at random points and started again at once",
  run: async ({ isQuick, random, freshDatabase, planeOn }) => {
    const runs = isQuick ? 30 : 1_000;
    const plane = await planeOn(await freshDatabase(), INTERVALS);
    const { url } = await plane.startApi();
    await plane.setUp(url);
    const longestMs = isQuick ? 200 : 1_500;
    const agent = new SupervisedAgent(
      plane,
      { name: "killed", apiUrl: url, concurrency: 4, longestMs },
      isQuick ? { random, longestLifeMs: 3_000, mostKills: 10 } : { random, longestLifeMs: 6_000 },
    );
    const { acknowledged } = await triggerRuns({
      clients: [plane.client(url)],
      flowName: "work",
      runs,
    });
    const ledger = new Ledger(plane.databaseUrl);
    await ledger.untilDrained(isQuick ? 100_000 : 1_800_000);
    await agent.spare();
    const findings = await findingsOf(plane, acknowledged);
    const all = await ledger.runs();
    return verdictOf(runs, findings, {
      counts: {
        kills: agent.kills,
        completed: all.filter(({ stateType }) => stateType === "COMPLETED").length,
        crashed: all.filter(({ stateType }) => stateType === "CRASHED").length,
        repeated: all.filter(({ epoch }) => epoch > 1).length,
      },
      violations: [
        ...agent.selfInflicted,
        ...(agent.kills === 0 ? ["nothing was killed, so nothing was tested"] : []),
      ],
    });
  },
};
