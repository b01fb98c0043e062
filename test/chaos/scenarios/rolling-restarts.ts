import { setTimeout as pause } from "node:timers/promises";
import type { ChaosPlane, StartedApi } from "../chaos-plane.ts";
import { endApi } from "../end-api.ts";
import { FaultProxy } from "../fault-proxy.ts";
import { Ledger } from "../ledger.ts";
import { triggerRuns } from "../load.ts";
import type { Random } from "../random.ts";
import { findingsOf, verdictOf, type Scenario } from "../scenario.ts";
import { WireLog } from "../wire-log.ts";
import { uncompleted } from "../check-runs.ts";
import { RESTART_INTERVALS } from "../restart-intervals.ts";

export const rollingRestarts: Scenario = {
  name: "rolling-restarts",
  about:
    "two API processes on one PostgreSQL; one or the other is killed or stopped every 2 to 5 s",
  run: async ({ isQuick, random, freshDatabase, afterwards, planeOn }) => {
    const runs = isQuick ? 200 : 2_000;
    const plane = await planeOn(await freshDatabase(), RESTART_INTERVALS);
    const apis = [await plane.startApi(), await plane.startApi()];
    await plane.setUp(apis[0]?.url ?? "");
    const wire = new WireLog();
    const proxy = await FaultProxy.start({
      upstreams: () => apis.map(({ url }) => url),
      onPassed: (call) => wire.note(call),
    });
    afterwards(() => proxy.close());
    for (const name of ["one", "two"])
      plane.startAgent({ name, apiUrl: proxy.url, concurrency: 2 });
    const enemy = new RollingEnemy(plane, apis, random);
    afterwards(() => enemy.stop());
    const { acknowledged, retries } = await triggerRuns({
      clients: Array.from({ length: 4 }, () => plane.client(proxy.url)),
      flowName: "work",
      runs,
      paceMs: isQuick ? 100 : 60,
    });
    await enemy.stop();
    const ledger = new Ledger(plane.databaseUrl);
    await ledger.untilDrained(300_000);
    const all = await ledger.runs();
    const serverErrors = Object.entries(proxy.statuses).filter(
      ([status]) => status.startsWith("5") && status !== "503",
    );
    return verdictOf(runs, await findingsOf(plane, acknowledged), {
      counts: {
        kills: enemy.kills,
        stops: enemy.stops,
        "calls cut": proxy.faults.cut,
        "status 503": proxy.statuses["503"] ?? 0,
        "other 5xx": serverErrors.reduce((sum, [, count]) => sum + count, 0),
        "trigger retries": Object.values(retries).reduce((sum, count) => sum + count, 0),
      },
      violations: [
        ...wire.contradictions(all),
        ...serverErrors.map(([status, count]) => `${count} answers with status ${status}`),
        ...enemy.offences,
        ...uncompleted(all),
        ...(enemy.kills + enemy.stops === 0 ? ["no API process was ended"] : []),
      ],
    });
  },
};

/** Ends one of the API processes and starts it again at its place; the other one serves meanwhile. */
class RollingEnemy {
  kills = 0;
  stops = 0;
  readonly offences: string[] = [];
  readonly #plane: ChaosPlane;
  readonly #apis: StartedApi[];
  readonly #random: Random;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(plane: ChaosPlane, apis: StartedApi[], random: Random) {
    this.#plane = plane;
    this.#apis = apis;
    this.#random = random;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let at = 0; ; at = 1 - at) {
      await pause(this.#random.between(2_000, 5_000), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const api = this.#apis[at];
      if (api === undefined) return;
      await this.#end(api);
      this.#apis[at] = await this.#plane.startApi({ port: api.port });
    }
  }

  async #end(api: StartedApi): Promise<void> {
    const isPolite = this.#random.next() < 0.5;
    if (isPolite) this.stops += 1;
    else this.kills += 1;
    this.offences.push(...(await endApi(api, isPolite ? "SIGTERM" : "SIGKILL")));
  }
}
