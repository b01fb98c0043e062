import { waitFor } from "@downbeat/testkit/wait-for";
import { AGENT_READY } from "../chaos-plane.ts";
import { Ledger } from "../ledger.ts";
import { triggerRuns } from "../load.ts";
import { findingsOf, verdictOf, type Scenario } from "../scenario.ts";

const INTERVALS = {
  leaseSeconds: 3,
  heartbeatSeconds: 1,
  // Long: whoever comes back in time must be taken back, also on a busy machine.
  reconnectWindowSeconds: 60,
  sweepSeconds: 1,
};

export const agentStopped: Scenario = {
  name: "agent-stopped",
  about: "an agent is stopped with SIGSTOP for longer than its lease, then goes on",
  run: async ({ isQuick, random, freshDatabase, afterwards, planeOn }) => {
    const perAgent = 2;
    const agents = isQuick ? 2 : 10;
    const plane = await planeOn(await freshDatabase(), INTERVALS);
    const { url } = await plane.startApi();
    await plane.setUp(url);
    const ledger = new Ledger(plane.databaseUrl);
    const stopped = Array.from({ length: agents }, (_, at) =>
      plane.startAgent({ name: `stopped-${at}`, apiUrl: url, concurrency: perAgent }),
    );
    for (const agent of stopped) await agent.waitForOutput(AGENT_READY, 60_000);
    const runs = agents * perAgent;
    const load = { clients: [plane.client(url)], runs: runs / 2 };
    const early = await triggerRuns({ ...load, flowName: "held-early" });
    const late = await triggerRuns({ ...load, flowName: "held-late" });
    await waitFor(async () => (await plane.executions()).length === runs, {
      deadlineMs: 120_000,
      describe: `${runs} flows to run`,
    });

    for (const agent of stopped) agent.child.kill("SIGSTOP");
    afterwards(async () => stopped.forEach(({ child }) => child.kill("SIGCONT")));
    // Some finish while nobody can hear them.
    if (random.next() < 0.5) await plane.open("early");
    await waitFor(async () => (await ledger.countLive("RUNNING", "Unreachable")) === runs, {
      deadlineMs: 60_000,
      describe: "every run to be Unreachable",
    });
    for (const agent of stopped) agent.child.kill("SIGCONT");
    await plane.open("early");
    await waitFor(async () => (await ledger.countLive("RUNNING", "Unreachable")) === 0, {
      deadlineMs: 50_000,
      describe: "no run to be Unreachable any more",
    });
    await plane.open("late");
    await ledger.untilDrained(120_000);

    const all = await ledger.runs();
    const findings = await findingsOf(plane, [...early.acknowledged, ...late.acknowledged]);
    return verdictOf(runs, findings, {
      counts: {
        agents,
        unreachable: all.filter(({ states }) => states.some(({ name }) => name === "Unreachable"))
          .length,
        reconnected: all.filter(({ states }) =>
          states.some(({ reason }) => reason === "reconnected"),
        ).length,
        completed: all.filter(({ stateType }) => stateType === "COMPLETED").length,
      },
      violations: all.flatMap(({ runId, stateType }) =>
        stateType === "COMPLETED" ? [] : [`${runId} is ${stateType} although its agent came back`],
      ),
    });
  },
};
