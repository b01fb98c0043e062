import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import { readInOrder } from "./read-in-order.ts";

/** Where a page of a run's log begins: behind this attempt's piece of this number. */
export type LogPlace = {
  readonly runId: string;
  readonly epoch: number;
  readonly number: number;
  readonly limit: number;
};

export type LogChunkRow = {
  run_id: string;
  epoch: number;
  sequence: number;
  line_count: number;
  received_at: Date;
  chunk: string;
};

/** Log chunks of a run, oldest first. Locks: none. Index: log_chunk_pkey, from where the page begins: whoever follows a log asks again and again. */
export function readLogChunks(tx: Tx, place: LogPlace): Promise<LogChunkRow[]> {
  return readInOrder(
    tx,
    Prisma.sql`
    select run_id, epoch, sequence, line_count, received_at, chunk from log_chunk
    where ${isOfRun(tx, place)} and (epoch, sequence) > (${place.epoch}::int, ${place.number}::int)
    order by epoch, sequence limit ${place.limit}::int`,
  );
}

export type LogManifestRow = { epoch: number; part: number; manifest: string };

/** Parts of a run's log manifests, oldest first. Locks: none. Index: log_manifest_pkey, likewise. */
export function readLogManifests(tx: Tx, place: LogPlace): Promise<LogManifestRow[]> {
  return readInOrder(
    tx,
    Prisma.sql`
    select epoch, part, manifest from log_manifest
    where ${isOfRun(tx, place)} and (epoch, part) > (${place.epoch}::int, ${place.number}::int)
    order by epoch, part limit ${place.limit}::int`,
  );
}

function isOfRun(tx: Tx, { runId }: LogPlace): Prisma.Sql {
  return Prisma.sql`(workspace_id = ${tx.workspaceId}::uuid) is true and run_id = ${runId}::uuid`;
}
