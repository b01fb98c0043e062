import type { Tx } from "../transaction.ts";
import type { ClaimLine } from "./lock-session.ts";

type Held = {
  readonly sessionId: string;
  readonly lines: readonly ClaimLine[];
  /** Runs that this transaction has just claimed. */
  readonly runs: readonly { run_id: string; epoch: number; deployment_id: string }[];
  readonly now?: Date | null;
};

/**
 * Writes down the named limits that claimed runs hold a slot of, and takes their tokens. Sends nothing when their
 * deployments list none.
 *
 * Locks: none beyond lock-limits.ts. Index: concurrency_limit_workspace_id_name_key.
 */
export async function holdSlots(
  tx: Tx,
  { sessionId, lines, runs, now = null }: Held,
): Promise<void> {
  const namesOf = new Map(lines.map((line) => [line.deploymentId, line.limitNames]));
  const held = runs.flatMap((run) =>
    (namesOf.get(run.deployment_id) ?? []).map((name) => ({ run, name })),
  );
  if (held.length === 0) return;
  await tx.prisma.$executeRaw`/* prepared */
    with given as (
      select c.id as limit_id, held.run_id, held.epoch
      from unnest(
        ${held.map(({ name }) => name)}::text[], ${held.map(({ run }) => run.run_id)}::uuid[],
        ${held.map(({ run }) => run.epoch)}::int[]
      ) as held (name, run_id, epoch)
      join concurrency_limit c on c.workspace_id = ${tx.workspaceId}::uuid and c.name = held.name
    ),
    spent as (
      update concurrency_limit c
      set tokens = limit_tokens(c, at) - used.count, tokens_at = at
      from (select limit_id, count(*)::int as count, coalesce(${now}::timestamptz, statement_timestamp()) as at
        from given group by limit_id) as used
      where c.id = used.limit_id and c.rate_per_second is not null
    )
    insert into limit_slot (limit_id, holder_id, workspace_id, run_id, epoch, session_id, acquired_at)
    select limit_id, run_id, ${tx.workspaceId}::uuid, run_id, epoch, ${sessionId}::uuid,
      coalesce(${now}::timestamptz, now())
    from given
    on conflict (limit_id, holder_id) do nothing`;
}
