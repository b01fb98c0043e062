import { isTerminal, StateType } from "@downbeat/contract";
import { waitFor } from "@downbeat/testkit/wait-for";
import pg from "pg";
import { z } from "zod";
import { groupBy } from "./group-by.ts";

const Row = z.object({
  runId: z.string(),
  sequence: z.number(),
  type: StateType,
  name: z.string(),
  at: z.date(),
  epoch: z.number(),
  reason: z.string(),
  actorKind: z.string(),
  actorId: z.string().nullable(),
  transitionId: z.string().nullable(),
});

/** A row of a run's history. */
export type StateRow = z.infer<typeof Row>;

export type LedgerRun = {
  readonly runId: string;
  /** Null while it is live. */
  readonly stateType: string | null;
  readonly epoch: number;
  readonly isLive: boolean;
  /** In order of sequence. */
  readonly states: readonly StateRow[];
};

const RUNS = `
  select r.id as "runId", e.state_type as "stateType", coalesce(l.epoch, e.epoch) as epoch,
    l.run_id is not null as "isLive"
  from flow_run r left join live_run l on l.run_id = r.id left join ended_run e on e.run_id = r.id`;

const STATES = `
  select run_id as "runId", sequence, type, name, at, epoch, reason, actor_kind as "actorKind", actor_id as "actorId",
    transition_id as "transitionId"
  from run_history
  order by 1, 2`;

const COUNTED = `
  select state_type as "stateType", sum(runs)::int as runs
  from (select state_type, runs from run_day union all select state_type, runs from run_tally) as counted
  group by 1`;

/** What the database says, read past the API and its row-level security. A connection for each look: servers come and go. */
export class Ledger {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Every run with its whole history. */
  async runs(): Promise<LedgerRun[]> {
    const runs = await this.#query<Omit<LedgerRun, "states">>(RUNS);
    const states = groupBy(await this.states(), ({ runId }) => runId);
    return runs.map((run) => ({ ...run, states: states.get(run.runId) ?? [] }));
  }

  async states(): Promise<StateRow[]> {
    return (await this.#query(STATES)).map((row) => Row.parse(row));
  }

  /** How many runs ended how, as it was counted when they did. */
  async counted(): Promise<Map<string, number>> {
    const rows = await this.#query<{ stateType: string; runs: number }>(COUNTED);
    return new Map(rows.map(({ stateType, runs }) => [stateType, runs]));
  }

  /** How many live runs have this state now; without one, how many are live. */
  async countLive(stateType?: StateType, stateName?: string): Promise<number> {
    const [row] = await this.#query<{ count: string }>(
      "select count(*) from live_run where ($1::text is null or state_type = $1) and ($2::text is null or state_name = $2)",
      [stateType ?? null, stateName ?? null],
    );
    return Number(row?.count);
  }

  /** Waits until no run is live any more. */
  async untilDrained(deadlineMs: number): Promise<void> {
    const options = { deadlineMs, intervalMs: 250, describe: "every run to be terminal" };
    await waitFor(async () => (await this.countLive()) === 0, options).catch(async (cause) => {
      const left = await this.#query(
        "select state_type, state_name, count(*) from live_run group by 1, 2",
      );
      throw new Error(`Runs stay live: ${JSON.stringify(left)}`, { cause });
    });
  }

  async #query<T extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<T[]> {
    const client = new pg.Client({ connectionString: this.#url, connectionTimeoutMillis: 5_000 });
    // A server that goes away between two statements is the caller's next error, not an uncaught one.
    client.on("error", () => {});
    try {
      await client.connect();
      return (await client.query<T>(text, [...values])).rows;
    } finally {
      await client.end().catch(() => {});
    }
  }
}

export function terminalRows(run: LedgerRun): StateRow[] {
  return run.states.filter(({ type }) => isTerminal(type));
}
