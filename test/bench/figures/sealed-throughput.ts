import type { Client } from "@downbeat/client";
import type { Sealed } from "@downbeat/contract";
import { createDataKey, sealJson, type DataKey } from "@downbeat/seal";
import { waitFor } from "@downbeat/testkit/wait-for";
import type { BenchDatabase } from "../bench-database.ts";
import { BenchPlane } from "../bench-plane.ts";
import { quantile, rateFigure, type Figure } from "../figure.ts";
import { unsealedEnvelope } from "../unsealed-envelope.ts";

const RUNS = 1000;
const REPETITIONS = 5;
const BATCH = 250;
const PARAMETER_BYTES = 1024;
const DEP = "chatty/default";
const WITHOUT_SEALING = new URL("../without-sealing.js", import.meta.url).href;

type Side = { readonly client: Client; readonly seal: (value: unknown) => Promise<string> };

/**
 * What sealing costs where runs carry something: the full path with a parameter of 1 kB and ten log lines a run. The limit
 * is the same with envelopes that encrypt nothing, taken by turns in the same run.
 */
export async function sealedThroughput(database: BenchDatabase): Promise<Figure> {
  const planes = await Promise.all(
    [0, 1].map(async () => BenchPlane.start(await database.fresh())),
  );
  const [on, off] = planes as [BenchPlane, BenchPlane];
  try {
    await on.startAgent(2);
    await off.startAgent(2, { NODE_OPTIONS: `--import=${WITHOUT_SEALING}` });
    const sides = [await sideOf(on, sealed), await sideOf(off, unsealed)] as const;
    for (const side of sides) await drain(side, 100); // warm-up
    const rates: [number[], number[]] = [[], []];
    for (let i = 0; i < REPETITIONS; i++)
      for (const at of [0, 1] as const) rates[at].push(await drain(sides[at], RUNS));
    const limit = quantile(
      rates[1].toSorted((a, b) => a - b),
      0.5,
    );
    const n = RUNS * REPETITIONS;
    return rateFigure("sealed_throughput", { unit: "runs/s", n, rates: rates[0] }, limit);
  } finally {
    for (const plane of planes) await plane.stop();
  }
}

type SealWith = (dataKey: DataKey, value: unknown) => Promise<string>;

async function sideOf(plane: BenchPlane, seal: SealWith): Promise<Side> {
  const client = plane.client();
  const { workspace } = await client.call("whoAmI", {});
  if (workspace.key === null) throw new Error("The workspace has no key.");
  const recipient = { ...workspace.key, workspaceId: workspace.id };
  const dataKey = await createDataKey({ recipients: [recipient] });
  await client.call("createDataKeys", { body: { dataKeys: [dataKey.wrapped] } });
  return { client, seal: (value) => seal(dataKey, value) };
}

const sealed: SealWith = (dataKey, value) =>
  sealJson(dataKey, { kind: "parameters", dep: DEP }, value);

const unsealed: SealWith = async ({ id, workspaceId }, value) => {
  const place = { kid: id, ws: workspaceId, kind: "parameters", dep: DEP };
  const header = { alg: "dir", enc: "A256GCM", typ: "dnb+jwe", ...place };
  return unsealedEnvelope(header, JSON.stringify(value));
};

async function drain({ client, seal }: Side, count: number): Promise<number> {
  const startedAt = performance.now();
  for (let made = 0; made < count; made += BATCH) {
    const size = Math.min(BATCH, count - made);
    const runs = await Promise.all(
      Array.from({ length: size }, async () => ({
        flowName: "chatty",
        parameters: (await seal({ text: "x".repeat(PARAMETER_BYTES) })) as Sealed<"parameters">,
      })),
    );
    const { outcomes } = await client.call("createRuns", { body: { runs, returning: "ids" } });
    const refused = outcomes.find(({ runId }) => runId === null);
    if (refused !== undefined) throw new Error(`A run was refused: ${JSON.stringify(refused)}`);
  }
  const isOver = async (): Promise<boolean> => (await live(client)) === 0;
  await waitFor(isOver, { deadlineMs: 300_000, intervalMs: 100, describe: "an empty pool" });
  const rate = count / ((performance.now() - startedAt) / 1000);
  const failed = await client.call("listRuns", { query: { stateType: ["FAILED"], limit: 1 } });
  if (failed.items.length > 0) throw new Error(`A run failed: ${JSON.stringify(failed.items[0])}`);
  return rate;
}

async function live(client: Client): Promise<number> {
  const query = { stateType: ["SCHEDULED", "PENDING", "RUNNING"], limit: 1 } as const;
  return (await client.call("listRuns", { query })).items.length;
}
