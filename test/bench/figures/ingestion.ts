import { randomBytes, randomUUID } from "node:crypto";
import type { Client } from "@downbeat/client";
import { leasesOf, type Lease, type Sealed } from "@downbeat/contract";
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
const CHUNKS_AT_ONCE = 250;
const LINES_IN_CHUNK = 50;
const CHUNK_BYTES = 2_048;
const REPETITIONS = 3;

/** How fast runs can be made in bulk, and log lines taken in: the two ways in that carry the most. */
export async function ingestion(database: BenchDatabase): Promise<Figure[]> {
  const plane = await BenchPlane.start(await database.fresh());
  try {
    const client = plane.client();
    const agent = await joinPool(plane, client, BATCH);
    const { workspace } = await client.call("whoAmI", {});
    const log = { agent: agent.client, lease: await aRunningRun(client, agent), ws: workspace.id };
    await record(log, { from: 0, count: CHUNKS_AT_ONCE }); // warm-up
    const logs: number[] = [];
    for (let from = CHUNKS_AT_ONCE; logs.length < REPETITIONS; from += CHUNKS)
      logs.push(await record(log, { from, count: CHUNKS }));
    const created: number[] = [];
    while (created.length < REPETITIONS) created.push(await create(client));
    await agent.client.close();
    const limit = await rawSqlRate(database);
    const lines = { unit: "lines/s", n: CHUNKS * LINES_IN_CHUNK * REPETITIONS, rates: logs };
    const runs = { unit: "runs/s", n: RUNS * REPETITIONS, rates: created };
    return [rateFigure("bulk_create", runs, limit), rateFigure("log_lines_recorded", lines, limit)];
  } finally {
    await plane.stop();
  }
}

async function create(client: Client): Promise<number> {
  const startedAt = performance.now();
  await createRuns(client, { count: RUNS, batch: BATCH, lanes: LANES });
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

type Log = { readonly agent: Client; readonly lease: Lease; readonly ws: string };

/** Lines a second, two reports at a time. */
async function record(
  { agent, lease: { runId, epoch, leaseToken }, ws }: Log,
  { from, count }: { readonly from: number; readonly count: number },
): Promise<number> {
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
  const items = Array.from({ length: count }, (_, at) => ({
    ...fence,
    sequence: from + at,
    lineCount: LINES_IN_CHUNK,
    chunk: chunkAt(from + at),
  }));
  const startedAt = performance.now();
  const lane = async (first: number): Promise<void> => {
    for (let at = first; at < count; at += LANES * CHUNKS_AT_ONCE) {
      const body = { items: items.slice(at, at + CHUNKS_AT_ONCE) };
      const { outcomes } = await agent.call("report", { body });
      const refused = outcomes.find(({ status }) => status !== "accepted");
      if (refused !== undefined) throw new Error(`A chunk was refused: ${JSON.stringify(refused)}`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, at) => lane(at * CHUNKS_AT_ONCE)));
  return (count * LINES_IN_CHUNK) / ((performance.now() - startedAt) / 1000);
}
