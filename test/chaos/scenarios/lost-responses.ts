import { longestIdleLeaseMs, uncompleted } from "../check-runs.ts";
import { FaultProxy, type Fault } from "../fault-proxy.ts";
import { Ledger } from "../ledger.ts";
import { triggerRuns } from "../load.ts";
import type { Random } from "../random.ts";
import { findingsOf, verdictOf, type Given, type Scenario, type Verdict } from "../scenario.ts";
import { WireLog } from "../wire-log.ts";

const SPARED_MS = 42_000;

type Plan = {
  readonly runs: number;
  readonly leaseSeconds: number;
  readonly faultFor: () => Fault;
  readonly delayMs: () => number;
};

export const lostResponses: Scenario = {
  name: "lost-responses",
  about: "on 20 % of calls the response is dropped after the API has committed; 5 % are late",
  run: async (given) => {
    const { isQuick } = given;
    const random = given.random.fork("faults");
    return throughProxy(given, {
      runs: isQuick ? 120 : 2_000,
      leaseSeconds: isQuick ? 6 : 15,
      faultFor: () => faultBy(random, { drop: 0.2, delay: 0.05 }),
      delayMs: () => random.between(50, 1_000),
    });
  },
};

export const halfOpenSockets: Scenario = {
  name: "half-open-sockets",
  about:
    "3 % of calls, one at a time, are carried out and never answered, with the connection left open",
  run: async (given) => {
    const random = given.random.fork("faults");
    return throughProxy(given, {
      runs: given.isQuick ? 40 : 300,
      // Callers take 40 s to give up on a silent connection: shorter than this the promise cannot be.
      leaseSeconds: 45,
      faultFor: oneAtATime(() => faultBy(random, { "half-open": 0.03 })),
      delayMs: () => 0,
    });
  },
};

/** After a silence everything is answered until its caller has given up and asked again: a run that meets two keeps its lease for both. */
function oneAtATime(faultFor: () => Fault): () => Fault {
  let sparedUntilMs = 0;
  return () => {
    if (performance.now() < sparedUntilMs) return "none";
    const fault = faultFor();
    if (fault !== "none") sparedUntilMs = performance.now() + SPARED_MS;
    return fault;
  };
}

function faultBy(random: Random, shares: Partial<Record<Fault, number>>): Fault {
  let drawn = random.next();
  for (const [fault, share] of Object.entries(shares)) {
    drawn -= share;
    if (drawn < 0) return fault as Fault;
  }
  return "none";
}

async function throughProxy(given: Given, plan: Plan): Promise<Verdict> {
  const { runs, leaseSeconds } = plan;
  const plane = await given.planeOn(await given.freshDatabase(), {
    leaseSeconds,
    heartbeatSeconds: leaseSeconds / 3,
    reconnectWindowSeconds: 30,
    sweepSeconds: 1,
  });
  const api = await plane.startApi();
  await plane.setUp(api.url);
  const wire = new WireLog();
  const proxy = await FaultProxy.start({
    ...plan,
    upstreams: () => [api.url],
    onPassed: (call) => wire.note(call),
  });
  given.afterwards(() => proxy.close());
  const agent = plane.startAgent({ name: "cut-off", apiUrl: proxy.url, concurrency: 4 });
  const { acknowledged, retries } = await triggerRuns({
    clients: Array.from({ length: 4 }, () => plane.client(proxy.url)),
    flowName: "work",
    runs,
    paceMs: 20,
  });
  const ledger = new Ledger(plane.databaseUrl);
  await ledger.untilDrained(given.isQuick ? 100_000 : 600_000);
  const all = await ledger.runs();
  const idleMs = longestIdleLeaseMs(all, await plane.executions());
  const { drop, delay, "half-open": halfOpen } = proxy.faults;
  return verdictOf(runs, await findingsOf(plane, acknowledged), {
    counts: {
      calls: Object.values(proxy.faults).reduce((sum, count) => sum + count, 0),
      ...(drop + delay > 0 ? { dropped: drop, late: delay } : {}),
      ...(halfOpen > 0 ? { silent: halfOpen } : {}),
      "trigger retries": Object.values(retries).reduce((sum, count) => sum + count, 0),
      "longest idle lease s": (idleMs / 1000).toFixed(1),
      "lease s": leaseSeconds,
    },
    violations: [
      ...wire.contradictions(all),
      ...(idleMs > leaseSeconds * 1000 ? [`a lease was held by nobody for ${idleMs} ms`] : []),
      ...(agent.child.exitCode === null ? [] : [`the agent gave up: ${agent.stderr()}`]),
      ...(drop + halfOpen === 0 ? ["no response was lost"] : []),
      ...uncompleted(all),
    ],
  });
}
