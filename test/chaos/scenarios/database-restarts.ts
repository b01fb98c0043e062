import { setTimeout as pause } from "node:timers/promises";
import type { PostgresServer } from "@downbeat/testkit/postgres-server";
import { FaultProxy } from "../fault-proxy.ts";
import { Ledger } from "../ledger.ts";
import { triggerRuns } from "../load.ts";
import type { Random } from "../random.ts";
import { findingsOf, verdictOf, type Scenario } from "../scenario.ts";
import { WireLog } from "../wire-log.ts";
import { uncompleted } from "../check-runs.ts";
import { RESTART_INTERVALS } from "../restart-intervals.ts";
import { takeDatabaseAway } from "../take-database-away.ts";

const CALLERS = 4;
// The quick form's load lasts for seven seconds.
const QUIET_MS = { quick: [2_000, 4_000], long: [5_000, 10_000] } as const;

export const databaseRestarts: Scenario = {
  name: "database-restarts",
  about: "PostgreSQL is killed or restarted every 5 to 10 s under load, and is away for up to 2 s",
  run: async ({ isQuick, random, ownServer, afterwards, planeOn }) => {
    const runs = isQuick ? 200 : 5_000;
    const server = await ownServer();
    const plane = await planeOn(server.url, RESTART_INTERVALS);
    const { url } = await plane.startApi();
    await plane.setUp(url);
    const wire = new WireLog();
    const proxy = await FaultProxy.start({
      upstreams: () => [url],
      onPassed: (call) => wire.note(call),
    });
    afterwards(() => proxy.close());
    for (const name of ["one", "two"]) {
      plane.startAgent({ name, apiUrl: proxy.url, concurrency: 2, longestMs: 20 });
    }
    const enemy = new RestartingEnemy(server, random, QUIET_MS[isQuick ? "quick" : "long"]);
    afterwards(() => enemy.stop());
    const { acknowledged, retries } = await triggerRuns({
      clients: Array.from({ length: CALLERS }, () => plane.client(url)),
      flowName: "work",
      runs,
      // Spread out, so that many restarts fall into the load.
      paceMs: isQuick ? 150 : 80,
    });
    await enemy.stop();
    const ledger = new Ledger(plane.databaseUrl);
    await ledger.untilDrained(300_000);
    const all = await ledger.runs();
    return verdictOf(runs, await findingsOf(plane, acknowledged), {
      counts: {
        restarts: enemy.restarts,
        "power cuts": enemy.powerCuts,
        "status 503": proxy.statuses["503"] ?? 0,
        completed: all.filter(({ stateType }) => stateType === "COMPLETED").length,
        "trigger retries": Object.values(retries).reduce((sum, count) => sum + count, 0),
      },
      violations: [
        ...wire.contradictions(all),
        ...uncompleted(all),
        ...(enemy.restarts + enemy.powerCuts === 0 ? ["the database was never away"] : []),
      ],
    });
  },
};

class RestartingEnemy {
  restarts = 0;
  powerCuts = 0;
  readonly #server: PostgresServer;
  readonly #random: Random;
  readonly #quietMs: readonly [least: number, most: number];
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(server: PostgresServer, random: Random, quietMs: readonly [number, number]) {
    this.#server = server;
    this.#random = random;
    this.#quietMs = quietMs;
    this.#running = this.#run();
  }

  /** Ends with the server running. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await pause(this.#random.between(...this.#quietMs), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const isPowerCut = this.#random.next() < 0.5;
      if (isPowerCut) this.powerCuts += 1;
      else this.restarts += 1;
      await takeDatabaseAway(this.#server, isPowerCut ? "SIGKILL" : "SIGINT", this.#random);
    }
  }
}
