import { ConnectionProxy } from "../connection-proxy.ts";
import { FaultProxy } from "../fault-proxy.ts";
import { Ledger } from "../ledger.ts";
import { findingsOf, verdictOf, type Scenario } from "../scenario.ts";
import { StreamCaller, type StreamPlan } from "../stream-caller.ts";
import { StreamEnemy } from "../stream-enemy.ts";
import { WireLog } from "../wire-log.ts";
import { uncompleted } from "../check-runs.ts";
import { RESTART_INTERVALS } from "../restart-intervals.ts";

export const brokenStreams: Scenario = {
  name: "broken-streams",
  about:
    "runs are created by stream while connections are cut, answers lost, API and database restarted",
  run: async ({ isQuick, random, ownServer, afterwards, planeOn }) => {
    const plans = isQuick ? plansOf(1, 120_000) : plansOf(40, 1_200_000);
    const lines = plans.reduce((sum, plan) => sum + plan.lines, 0);
    const server = await ownServer();
    const plane = await planeOn(server.url, RESTART_INTERVALS);
    const api = await plane.startApi();
    await plane.setUp(api.url);
    const wire = new WireLog();
    const agentProxy = await FaultProxy.start({
      upstreams: () => [api.url],
      onPassed: (call) => wire.note(call),
    });
    afterwards(() => agentProxy.close());
    plane.startAgent({ name: "one", apiUrl: agentProxy.url, longestMs: 0 });
    const proxy = await ConnectionProxy.start(Number(api.port));
    afterwards(() => proxy.close());
    const rounds = isQuick ? 1 : 10;
    const enemy = new StreamEnemy({ proxy, plane, api, server }, { random, rounds, lines });
    afterwards(async () => void (await enemy.stop()));

    const callers = plans.map((plan) => new StreamCaller(plane.client(proxy.url), plan));
    await Promise.all(callers.map((caller) => caller.stream(() => enemy.heard())));
    const missed = await enemy.stop();
    await Promise.all(callers.map((caller) => caller.streamAgain()));
    const ledger = new Ledger(plane.databaseUrl);
    await ledger.untilDrained(600_000);
    const all = await ledger.runs();
    const findings = await findingsOf(
      plane,
      callers.flatMap(({ runIds }) => runIds),
    );
    return verdictOf(lines, findings, {
      counts: { streams: callers.length, ...enemy.struck },
      violations: [
        ...callers.flatMap(({ offences }) => offences),
        ...enemy.offences,
        ...missed.map((blow) => `the streams were over before this could happen: ${blow}`),
        ...wire.contradictions(all),
        ...uncompleted(all),
      ],
    });
  },
};

/** One who waits for each answer, one who gives some lines ahead, and one who gives many. */
function plansOf(size: number, longestMs: number): StreamPlan[] {
  const every = { flowName: "work", naming: "runId", longestMs } as const;
  return [
    { ...every, window: 1, lines: 20 * size },
    { ...every, window: 10, lines: 100 * size, naming: "idempotencyKey" },
    { ...every, window: 50 * size, lines: 300 * size },
  ];
}
