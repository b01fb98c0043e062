import type { Artifact } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import { invalidCursor, type Page, type PageQuery } from "../page.ts";
import type { Tx } from "../transaction.ts";
import { readInOrder } from "./read-in-order.ts";

type Row = {
  run_id: string;
  key_tag: string;
  epoch: number;
  sequence: number;
  first_epoch: number;
  first_sequence: number;
  created_at: Date;
  updated_at: Date;
  detail: string;
};

/**
 * A page of a run's artifacts in order of their first versions, so that a newer version moves nothing.
 *
 * Locks: none. Index: artifact_run_id_first_epoch_first_sequence_key_tag_idx (from where the page begins, until it has enough).
 */
export async function listArtifacts(
  tx: Tx,
  query: PageQuery & { runId: string },
): Promise<Page<Artifact>> {
  const { epoch, sequence, keyTag } = readCursor(query.cursor);
  const rows = await readInOrder<Row>(
    tx,
    Prisma.sql`
    select run_id, key_tag, epoch, sequence, first_epoch, first_sequence, created_at, updated_at, detail
    from artifact
    where (workspace_id = ${tx.workspaceId}::uuid) is true and run_id = ${query.runId}::uuid
      and (first_epoch, first_sequence, key_tag) > (${epoch}::int, ${sequence}::int, ${keyTag}::text)
    order by first_epoch, first_sequence, key_tag
    limit ${query.limit + 1}::int`,
  );
  const shown = rows.slice(0, query.limit);
  const last = shown.at(-1);
  const hasMore = rows.length > query.limit && last !== undefined;
  return {
    items: shown.map(toArtifact),
    nextCursor: hasMore ? `${last.first_epoch}.${last.first_sequence}.${last.key_tag}` : null,
  };
}

const cursorForm = /^(\d{1,9})\.(\d{1,9})\.([\w-]{43})$/;

type Place = { readonly epoch: number; readonly sequence: number; readonly keyTag: string };

function readCursor(cursor: string | undefined): Place {
  if (cursor === undefined) return { epoch: -1, sequence: -1, keyTag: "" };
  const [, epoch, sequence, keyTag] = cursorForm.exec(cursor) ?? [];
  if (keyTag === undefined) throw invalidCursor(cursor);
  return { epoch: Number(epoch), sequence: Number(sequence), keyTag };
}

function toArtifact(row: Row): Artifact {
  return {
    runId: row.run_id,
    keyTag: row.key_tag,
    epoch: row.epoch,
    sequence: row.sequence,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    detail: row.detail as Artifact["detail"],
  };
}
