import { randomBytes, randomUUID } from "node:crypto";
import type { Client } from "@downbeat/client";
import { leasesOf, type Lease, type ReportItem, type Sealed } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import { joinPool } from "../bench-agent.ts";
import type { BenchDatabase } from "../bench-database.ts";
import { BenchPlane } from "../bench-plane.ts";
import { createRuns } from "../create-runs.ts";
import { rateFigure, type Figure } from "../figure.ts";
import { rawSqlRate } from "../raw-sql-rate.ts";
import { unsealedEnvelope } from "../unsealed-envelope.ts";

const RUNS = 10_000;
const BATCH = 500;
const LANES = 2;
const CHUNKS = 5_000;
const ITEMS_AT_ONCE = 250;
const LINES_IN_CHUNK = 50;
const CHUNK_BYTES = 2_048;
const TASK_RUNS = 10_000;
const EVENTS_OF_TASK_RUN = [
  { type: "RUNNING", name: "Running" },
  { type: "COMPLETED", name: "Completed" },
] as const;
const REPETITIONS = 3;

/** How fast runs can be made in bulk, and log lines and the events of task runs taken in: the ways in that carry the most. */
export async function ingestion(database: BenchDatabase): Promise<Figure[]> {
  const plane = await BenchPlane.start(await database.fresh());
  try {
    const client = plane.client();
    const agent = await joinPool(plane, client, BATCH);
    const { workspace } = await client.call("whoAmI", {});
    const lease = await aRunningRun(client, agent);
    const chunks = (from: number, count: number) => chunksOf(lease, workspace.id, { from, count });
    await rateOf(agent.client, chunks(0, ITEMS_AT_ONCE)); // warm-up
    await rateOf(agent.client, eventsOf(lease, ITEMS_AT_ONCE));
    const logs: number[] = [];
    for (let from = ITEMS_AT_ONCE; logs.length < REPETITIONS; from += CHUNKS)
      logs.push(LINES_IN_CHUNK * (await rateOf(agent.client, chunks(from, CHUNKS))));
    const events: number[] = [];
    while (events.length < REPETITIONS)
      events.push(await rateOf(agent.client, eventsOf(lease, TASK_RUNS)));
    const created: number[] = [];
    const streamed: number[] = [];
    while (created.length < REPETITIONS) {
      created.push(await create(client));
      streamed.push(await createStreamed(client));
    }
    await agent.client.close();
    const limit = await rawSqlRate(database);
    const n = TASK_RUNS * EVENTS_OF_TASK_RUN.length * REPETITIONS;
    const lines = { unit: "lines/s", n: CHUNKS * LINES_IN_CHUNK * REPETITIONS, rates: logs };
    const runs = { unit: "runs/s", n: RUNS * REPETITIONS };
    return [
      rateFigure("bulk_create", { ...runs, rates: created }, limit),
      rateFigure("bulk_create_streamed", { ...runs, rates: streamed }, limit),
      rateFigure("log_lines_recorded", lines, limit),
      rateFigure("task_events_recorded", { unit: "events/s", n, rates: events }, limit),
    ];
  } finally {
    await plane.stop();
  }
}

async function create(client: Client): Promise<number> {
  const startedAt = performance.now();
  await createRuns(client, { count: RUNS, batch: BATCH, lanes: LANES });
  return RUNS / ((performance.now() - startedAt) / 1000);
}

/** Over one connection. */
async function createStreamed(client: Client): Promise<number> {
  const startedAt = performance.now();
  const specs = Array.from({ length: RUNS }, () => ({ flowName: "bench" }));
  for await (const { error } of client.stream("createRunStream", specs))
    if (error !== null) throw new Error(`A run was refused: ${error.message}`);
  return RUNS / ((performance.now() - startedAt) / 1000);
}

type BenchAgent = Awaited<ReturnType<typeof joinPool>>;

async function aRunningRun(
  client: Client,
  { client: agent, sessionId }: BenchAgent,
): Promise<Lease> {
  await client.call("createRun", { body: { flowName: "bench" } });
  const body = { sessionId, claimRequestId: randomUUID(), max: 1, waitSeconds: 5 };
  const [lease] = leasesOf(await agent.call("claim", { body }));
  if (lease === undefined) throw new Error("The run was not claimed.");
  const { runId, epoch, leaseToken } = lease;
  const step = { type: "RUNNING", name: "Running", reason: "started" } as const;
  const item = {
    kind: "transition",
    runId,
    epoch,
    leaseToken,
    transitionId: randomUUID(),
    ...step,
  } as const;
  await agent.call("report", { body: { items: [item] } });
  return lease;
}

function chunksOf(
  { runId, epoch, leaseToken }: Lease,
  ws: string,
  { from, count }: { readonly from: number; readonly count: number },
): ReportItem[] {
  const place = {
    alg: "dir",
    enc: "A256GCM",
    typ: "dnb+jwe",
    kid: randomUUID(),
    ws,
    kind: "log",
    run: runId,
  };
  const chunkAt = (seq: number) =>
    unsealedEnvelope({ ...place, epoch, seq }, randomBytes(CHUNK_BYTES)) as Sealed<"log">;
  const fence = { kind: "log", runId, epoch, leaseToken } as const;
  return Array.from({ length: count }, (_, at) => ({
    ...fence,
    sequence: from + at,
    lineCount: LINES_IN_CHUNK,
    chunk: chunkAt(from + at),
  }));
}

/** Each task run starts, and some reports later it ends. */
function eventsOf({ runId, epoch, leaseToken }: Lease, taskRuns: number): ReportItem[] {
  const fence = { kind: "task_run", runId, epoch, leaseToken } as const;
  const taskRunIds = Array.from({ length: taskRuns }, () => uuidv7());
  const at = new Date().toISOString();
  return EVENTS_OF_TASK_RUN.flatMap((state, sequence) =>
    taskRunIds.map((taskRunId, index) => ({
      ...fence,
      ...state,
      taskRunId,
      taskName: "step",
      index,
      sequence,
      at,
      attempt: 1,
      startedAt: at,
      endedAt: state.type === "COMPLETED" ? at : null,
      upstream: [],
      renderedName: null,
      error: null,
      result: null,
      cacheTag: null,
    })),
  );
}

/** Items a second, two reports at a time. */
async function rateOf(agent: Client, items: readonly ReportItem[]): Promise<number> {
  const startedAt = performance.now();
  const lane = async (first: number): Promise<void> => {
    for (let at = first; at < items.length; at += LANES * ITEMS_AT_ONCE) {
      const body = { items: items.slice(at, at + ITEMS_AT_ONCE) };
      const { outcomes } = await agent.call("report", { body });
      const refused = outcomes.find(({ status }) => status !== "accepted");
      if (refused !== undefined) throw new Error(`An item was refused: ${JSON.stringify(refused)}`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, at) => lane(at * ITEMS_AT_ONCE)));
  return items.length / ((performance.now() - startedAt) / 1000);
}
