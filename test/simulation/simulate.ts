import { createHash } from "node:crypto";
import { RetryPolicy } from "@downbeat/contract";
import {
  checkHistory,
  HistoryLog,
  type HistoryEntry,
  type Violation,
} from "@downbeat/testkit/history";
import { AgentSlot } from "./agent-slot.ts";
import { Caller } from "./caller.ts";
import type { Queue } from "./memory-queues.ts";
import { MemoryStore } from "./memory-store.ts";
import type { Mutations } from "./mutation.ts";
import { FAIR, Network, type Weather } from "./network.ts";
import { Plane } from "./plane.ts";
import { Planes } from "./planes.ts";
import { planTroubles } from "./troubles.ts";
import { Random } from "./random.ts";
import { Scripts } from "./scripts.ts";
import { Timeline } from "./timeline.ts";

export type Simulation = {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly entries: readonly HistoryEntry[];
  /** Of everything that was observed: equal for equal seeds. */
  readonly digest: string;
};

const TIMES = {
  leaseMs: 45_000,
  heartbeatMs: 15_000,
  sweepMs: 5_000,
  lateAfterMs: 15_000,
  reconnectWindowMs: 300_000,
  cancelDeadlineMs: 60_000,
};
/** Until then things go wrong; afterwards all must come to rest. */
const TROUBLE_MS = 600_000;
const REST_MS = 2_400_000;
const LONGEST_CLOSED_MS = 120_000;
const POOL = "pool-1";
const CALM: Mutations = new Set();

/** Lives through ten minutes of trouble and what it takes to settle, then checks the history. */
export function simulate(seed: number, mutations: Mutations = CALM): Simulation {
  const random = new Random(seed);
  const timeline = new Timeline();
  const log = new HistoryLog(() => timeline.nowMs);
  const poolLimit = random.chance(0.3) ? random.between(1, 4) : null;
  const queues = someQueues(random);
  const store = new MemoryStore({ poolId: POOL, poolLimit, queues, random, mutations });
  const aPlane = () => new Plane({ store, timeline, times: TIMES, poolId: POOL, mutations });
  const more = Array.from({ length: random.between(0, 2) }, aPlane);
  const planes = new Planes({ planes: [aPlane(), ...more], random, log });
  const network = new Network({ timeline, random, planes });
  const scripts = new Scripts(seed);
  const caller = new Caller({ timeline, network, random, log, scripts });
  const shared = { timeline, network, random, log, mutations, scripts, ...TIMES };
  const slots = Array.from({ length: random.between(1, 3) }, (_, at) => {
    const size = { concurrency: random.between(1, 3), prefetch: random.between(0, 2) };
    return new AgentSlot(`agent-${at + 1}`, { ...shared, ...size });
  });
  const world = { timeline, random, planes, network, slots, endMs: TROUBLE_MS };

  planes.start();
  network.weather = aWeather(random);
  for (const slot of slots) timeline.after(random.between(0, 5_000), () => slot.start());
  planTriggers({ caller, timeline, random, queues });
  planClosedTimes({ store, timeline, random, queues });
  planTroubles(world);
  timeline.runUntil(TROUBLE_MS);
  network.weather = FAIR;
  const isSettled = (): boolean =>
    caller.unanswered === 0 &&
    store.liveCount === 0 &&
    slots.every(({ disk }) => disk.outbox.length === 0);
  timeline.runUntil(TROUBLE_MS + REST_MS, isSettled);

  const state = store.finalState(timeline.nowMs);
  const observed = JSON.stringify([log.entries, state]);
  return {
    seed,
    violations: checkHistory(log.entries, state, TIMES),
    entries: log.entries,
    digest: createHash("sha256").update(observed).digest("hex"),
  };
}

type Plan = {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly queues: readonly [Queue, ...Queue[]];
};

function planTriggers({ caller, timeline, random, queues }: Plan & { caller: Caller }): void {
  const runs = random.between(5, 25);
  for (let at = 0; at < runs; at += 1) {
    const atMs = random.between(0, TROUBLE_MS / 2);
    const scheduledForMs = random.chance(0.1) ? atMs + random.between(1, 120_000) : 0;
    const run = {
      key: `key-${at}`,
      scheduledForMs,
      policy: random.chance(0.4) ? aPolicy(random) : null,
      queueName: random.pick(queues).name,
      willCancel: random.chance(0.15),
      willRetry: random.chance(0.15),
      willAnswer: random.chance(0.8),
    };
    timeline.after(atMs, () => caller.trigger(run));
  }
}

function someQueues(random: Random): [Queue, ...Queue[]] {
  const aQueue = (name: string): Queue => ({
    name,
    priority: random.between(1, 2),
    limit: random.chance(0.3) ? random.between(1, 3) : null,
  });
  return [aQueue("queue-1"), ...(random.chance(0.5) ? [aQueue("queue-2"), aQueue("queue-3")] : [])];
}

/** Somebody pauses a queue or the whole pool for a while. */
function planClosedTimes({ store, timeline, random, queues }: Plan & { store: MemoryStore }): void {
  for (let left = random.between(0, 2); left > 0; left -= 1) {
    const name = random.chance(0.3) ? null : random.pick(queues).name;
    const forMs = random.between(1, LONGEST_CLOSED_MS);
    const atMs = random.between(0, TROUBLE_MS - LONGEST_CLOSED_MS);
    timeline.after(atMs, () => store.queues.close(name, timeline.nowMs, forMs));
  }
}

function aPolicy(random: Random): RetryPolicy {
  return RetryPolicy.parse({
    retriesOnCrash: random.between(0, 3),
    retriesOnFailure: random.between(0, 2),
    delaySeconds: random.between(0, 20),
  });
}

function aWeather(random: Random): Weather {
  const level = random.pick([0, 0.02, 0.2]);
  return {
    loseRequest: level * random.unit(),
    loseReply: level * random.unit(),
    duplicate: level * random.unit(),
    slow: level * random.unit(),
    slowMs: 8_000,
    seesHangUp: random.pick([1, 0.5]),
  };
}
