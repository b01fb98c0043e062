import type {
  Actor,
  LogChunk,
  LogManifestPart,
  RunStateRecord,
  StateName,
  StateReasonCode,
  StateType,
  WrappedDataKey,
} from "@downbeat/contract";
import { readSealedHeader } from "@downbeat/contract";
import { readDataKeys } from "./data-keys.ts";
import { toRunError, type RunErrorColumns } from "./run-error-columns.ts";
import { readLogChunks, readLogManifests, type LogPlace } from "./sql/read-log-pieces.ts";
import { runStands } from "./sql/run-stands.ts";
import type { Tx } from "./transaction.ts";

type HistoryRow = RunErrorColumns & {
  sequence: number;
  type: StateType;
  name: StateName;
  at: Date;
  epoch: number;
  actor_kind: Actor["kind"];
  actor_id: string | null;
  reason: StateReasonCode;
  cause: StateReasonCode | null;
};

/** A run's history, oldest first. */
export async function listRunStates(tx: Tx, runId: string): Promise<RunStateRecord[]> {
  const rows = await tx.prisma.$queryRaw<HistoryRow[]>`
    select sequence, type, name, at, epoch, actor_kind, actor_id, reason, cause, error_class, exit_code, signal,
      error_fingerprint, error_detail
    from run_history
    where (workspace_id = ${tx.workspaceId}::uuid) is true and run_id = ${runId}::uuid
    order by sequence`;
  return rows.map((row) => ({
    sequence: row.sequence,
    type: row.type,
    name: row.name,
    at: row.at.toISOString(),
    epoch: row.epoch,
    actor: { kind: row.actor_kind, id: row.actor_id },
    reason: row.reason,
    cause: row.cause,
    error: toRunError(row),
  }));
}

export type LogPage = {
  readonly items: LogChunk[];
  /** "epoch.sequence" of the last chunk, or the given `after` when nothing is new. */
  readonly nextAfter: string | null;
  /** True once the run is terminal and nothing more is stored. */
  readonly complete: boolean;
  readonly dataKeys: WrappedDataKey[];
};

/** Log chunks after "epoch.sequence", oldest first, with the wrapped data keys they name; undefined when no such run. */
export async function listLogChunks(tx: Tx, query: LogQuery): Promise<LogPage | undefined> {
  // Asked before the chunks are read: once it has ended, they include everything that came before the end.
  const stands = await runStands(tx, query.runId);
  if (stands === undefined) return undefined;
  const rows = await readLogChunks(tx, placeOf(query));
  const items = rows.slice(0, query.limit).map((row): LogChunk => ({
    runId: row.run_id,
    epoch: row.epoch,
    sequence: row.sequence,
    lineCount: row.line_count,
    receivedAt: row.received_at.toISOString(),
    chunk: row.chunk as LogChunk["chunk"],
  }));
  const last = items.at(-1);
  return {
    items,
    nextAfter: last === undefined ? (query.after ?? null) : `${last.epoch}.${last.sequence}`,
    complete: stands === "ended" && rows.length <= query.limit,
    dataKeys: await readDataKeys(tx, keyIdsOf(items.map(({ chunk }) => chunk))),
  };
}

export type LogManifestPage = {
  readonly items: LogManifestPart[];
  /** "epoch.part" of the last one; null when there are no more. */
  readonly nextAfter: string | null;
  readonly dataKeys: WrappedDataKey[];
};

/**
 * Parts of a run's log manifests after "epoch.part", oldest first, with the wrapped data keys they name; on the last page also
 * what stands for those of attempts that have logged nothing.
 */
export async function listLogManifests(tx: Tx, query: LogQuery): Promise<LogManifestPage> {
  const rows = await readLogManifests(tx, placeOf(query));
  const items = rows.slice(0, query.limit) as LogManifestPart[];
  const last = items.at(-1);
  const hasMore = rows.length > query.limit && last !== undefined;
  const shown = hasMore ? items : [...items, ...(await listEmptyLogs(tx, query.runId))];
  return {
    items: shown,
    nextAfter: hasMore ? `${last.epoch}.${last.part}` : null,
    dataKeys: await readDataKeys(tx, [...new Set(shown.flatMap(keyIdOf))]),
  };
}

/** Attempts that have logged nothing; a run has few attempts that complete. */
async function listEmptyLogs(tx: Tx, runId: string): Promise<LogManifestPart[]> {
  const rows = await tx.prisma.$queryRaw<{ epoch: number; empty_log: string }[]>`
    select epoch, empty_log
    from run_history
    where (workspace_id = ${tx.workspaceId}::uuid) is true and run_id = ${runId}::uuid and empty_log is not null
    order by sequence`;
  return rows.map((row) => ({
    epoch: row.epoch,
    part: 0,
    manifest: null,
    emptyLog: row.empty_log,
  }));
}

// Such a tag begins with the id of its data key.
function keyIdOf({ manifest, emptyLog }: LogManifestPart): string[] {
  if (manifest !== null) return keyIdsOf([manifest]);
  return emptyLog === undefined ? [] : [emptyLog.slice(0, emptyLog.indexOf("."))];
}

type LogQuery = {
  readonly runId: string;
  readonly after?: string | undefined;
  readonly limit: number;
};

// One more than is shown tells whether there is a next page.
function placeOf({ runId, after = "-1.-1", limit }: LogQuery): LogPlace {
  const [epoch, number] = after.split(".").map(Number) as [number, number];
  return { runId, epoch, number, limit: limit + 1 };
}

function keyIdsOf(blobs: readonly string[]): string[] {
  return [...new Set(blobs.flatMap((blob) => readSealedHeader(blob)?.kid ?? []))];
}
