import { isTerminal, type Actor } from "@downbeat/contract";
import type { AcceptedTransition } from "@downbeat/core";
import { arrayLiteral, plainColumn } from "../array-literal.ts";
import { optionalColumn, optionalPlainColumn, plainBatchColumn } from "../batch-column.ts";
import { Prisma } from "../generated/client.ts";
import type { EngineTx, Tx } from "../transaction.ts";

/** A transition that the rules accepted, on its way into the history of a run that this transaction has locked. */
export type Transition = AcceptedTransition & {
  readonly runId: string;
  readonly workspaceId: string;
  readonly epoch: number;
  readonly actor: Actor;
};

/**
 * Writes accepted transitions: every one into the history, the last of each run into its state. A run that becomes
 * terminal leaves live_run for ended_run; one that becomes SCHEDULED or is suspended gives up its lease, and takes on the
 * time and what is left of its budget if that is a retry. Either gives its slots of named limits back. The leases of a
 * run's last eight attempts are kept in former_lease if they may still log something.
 *
 * @param rows of one run in order of sequence
 * @param now when the wait for a retry begins; the database's clock when absent
 *
 * Locks: the live_run rows, which the caller has locked before (lock-runs.ts), so nothing is waited for.
 * The workspace is compared `is true` so that only the key can drive a lookup (see 0001_init).
 * Indexes: live_run_pkey, limit_slot_run_id_idx, former_lease_pkey, agent_session_pkey; flow_run_pkey for runs of no deployment.
 */
export async function applyTransitions(
  tx: Tx | EngineTx,
  rows: readonly Transition[],
  { now = null }: { readonly now?: Date | null } = {},
): Promise<void> {
  if (rows.length === 0) return;
  const effects = effectsOf(rows);
  const effect = plainBatchColumn(effects.map(({ kind }) => kind));
  const firstRunning = plainBatchColumn(effects.map((one) => one.firstRunningAt));
  const [workspaceId, type, name] = [
    plainBatchColumn(rows.map((row) => row.workspaceId)),
    plainBatchColumn(rows.map((row) => row.state.type)),
    plainBatchColumn(rows.map((row) => row.state.name)),
  ];
  const [at, epoch, reason] = [
    plainBatchColumn(rows.map((row) => row.state.at)),
    plainBatchColumn(rows.map((row) => row.epoch)),
    plainBatchColumn(rows.map((row) => row.reason)),
  ];
  const actorKind = plainBatchColumn(rows.map((row) => row.actor.kind));
  const actorId = plainBatchColumn(rows.map((row) => row.actor.id));
  const error = <K extends "class" | "exitCode" | "signal" | "fingerprint" | "detail">(key: K) =>
    optionalColumn(rows.map((row) => row.error?.[key]));
  await tx.prisma.$executeRaw`/* prepared */
    with change as (
      select run_id, coalesce(workspace_id, ${workspaceId.same}::uuid) as workspace_id, sequence,
        coalesce(type, ${type.same}::text) as type, coalesce(name, ${name.same}::text) as name,
        coalesce(at, ${at.same}::timestamptz) as at, coalesce(epoch, ${epoch.same}::int) as epoch,
        coalesce(actor_kind, ${actorKind.same}::text) as actor_kind, coalesce(actor_id, ${actorId.same}::uuid) as actor_id,
        coalesce(reason, ${reason.same}::text) as reason, transition_id, error_class, exit_code, signal,
        error_fingerprint, error_detail, cause, retry_delay_ms, retry, pause, result, empty_log,
        coalesce(effect, ${effect.same}::text) as effect,
        coalesce(first_running, ${firstRunning.same}::timestamptz) as first_running, cancels,
        coalesce(transition_ids::uuid[], array[transition_id]) as transition_ids
      from unnest(
        ${plainColumn(rows.map((row) => row.runId))}::uuid[], ${workspaceId.array}::uuid[],
        ${plainColumn(rows.map((row) => row.sequence))}::int[], ${type.array}::text[], ${name.array}::text[],
        ${at.array}::timestamptz[], ${epoch.array}::int[], ${actorKind.array}::text[], ${actorId.array}::uuid[],
        ${reason.array}::text[], ${plainColumn(rows.map((row) => row.transitionId))}::uuid[], ${error("class")}::text[],
        ${error("exitCode")}::int[], ${error("signal")}::text[], ${error("fingerprint")}::text[],
        ${error("detail")}::text[], ${optionalColumn(rows.map((row) => row.retry?.cause))}::text[],
        ${optionalColumn(rows.map((row) => row.retry?.delayMs))}::double precision[],
        ${optionalColumn(rows.map((row) => row.retry && JSON.stringify(row.retry.budget)))}::text[],
        ${optionalColumn(rows.map((row) => row.pause && JSON.stringify(row.pause)))}::text[],
        ${optionalColumn(rows.map((row) => row.result))}::text[],
        ${optionalPlainColumn(rows.map((row) => row.emptyLog))}::text[], ${effect.array}::text[],
        ${firstRunning.array}::timestamptz[], ${optionalColumn(effects.map((one) => one.cancels || null))}::boolean[],
        ${optionalColumn(effects.map((one) => one.transitionIds))}::text[]
      ) as given (
        run_id, workspace_id, sequence, type, name, at, epoch, actor_kind, actor_id, reason, transition_id,
        error_class, exit_code, signal, error_fingerprint, error_detail, cause, retry_delay_ms, retry, pause,
        result, empty_log, effect, first_running, cancels, transition_ids
      )
    ),
    history as (
      insert into run_state (run_id, workspace_id, sequence, type, name, at, epoch, actor_kind, actor_id, reason,
        transition_id, error_class, exit_code, signal, error_fingerprint, error_detail, cause, empty_log)
      select run_id, workspace_id, sequence, type, name, at, epoch, actor_kind, actor_id, reason, transition_id,
        error_class, exit_code, signal, error_fingerprint, error_detail, cause, empty_log
      from change
    ),
    ${TOLD},
    -- Slots are of a run that is held; the table is empty where nobody uses named limits.
    freed as (
      delete from limit_slot s using change c
      where c.effect in ('ends', 'lets_go') and s.run_id = c.run_id and (s.workspace_id = c.workspace_id) is true
    ),
    kept as (
      insert into former_lease (run_id, epoch, workspace_id, lease_token)
      select l.run_id, l.epoch, l.workspace_id, l.lease_token
      from change c join live_run l on l.run_id = c.run_id and (l.workspace_id = c.workspace_id) is true
      where c.effect = 'lets_go' and c.name in ('AwaitingRetry', 'Suspended') and l.lease_token is not null
      on conflict do nothing
    ),
    forgotten as (
      delete from former_lease f using change c
      where c.effect = 'lets_go' and c.name in ('AwaitingRetry', 'Suspended')
        and f.run_id = c.run_id and (f.workspace_id = c.workspace_id) is true and f.epoch <= c.epoch - 8
    ),
    gone as (
      delete from live_run l using change c
      where c.effect = 'ends' and l.run_id = c.run_id and (l.workspace_id = c.workspace_id) is true
      returning c.*, l.started_at, l.lease_token, l.session_id, l.recent_transition_ids, l.deployment_id,
        case when l.state_type = 'RUNNING' and c.sequence = l.state_sequence + 1 then l.claimed_at end as claimed_at
    ),
    ended as (
      insert into ended_run (run_id, workspace_id, state_type, state_name, state_at, state_sequence, reason, started_at,
        epoch, lease_token, recent_transition_ids, agent_id, error_class, exit_code, signal, error_fingerprint,
        error_detail, result, claimed_at, listed_under)
      select g.run_id, g.workspace_id, g.type, g.name, g.at, g.sequence, g.reason, coalesce(g.started_at, g.first_running),
        g.epoch, g.lease_token, (g.transition_ids || g.recent_transition_ids)[1:32], s.agent_id, g.error_class,
        g.exit_code, g.signal, g.error_fingerprint, g.error_detail, g.result, g.claimed_at, coalesce(g.deployment_id, (
          select r.flow_id from flow_run r where r.id = g.run_id and (r.workspace_id = g.workspace_id) is true
        ))
      from gone g
      left join agent_session s on s.id = g.session_id and (s.workspace_id = g.workspace_id) is true
    )
    update live_run l
    set state_type = c.type, state_name = c.name, state_at = c.at, state_sequence = c.sequence,
      reason = c.reason, started_at = coalesce(l.started_at, c.first_running),
      cancel_requested_at = coalesce(l.cancel_requested_at,
        case when c.cancels then coalesce(${now}::timestamptz, now()) end),
      late = c.name in ('Late', 'AwaitingConcurrencySlot'), scheduled_for = coalesce(
        coalesce(${now}::timestamptz, now()) + make_interval(secs => c.retry_delay_ms / 1000),
        case when c.name = 'Resuming' then coalesce(${now}::timestamptz, now()) end, l.scheduled_for),
      pause = case when c.type = 'PAUSED' then coalesce(c.pause::jsonb, l.pause) end,
      pause_deadline = case when c.type = 'PAUSED' then coalesce(coalesce(${now}::timestamptz, now())
        + make_interval(secs => (c.pause::jsonb->>'timeoutSeconds')::double precision), l.pause_deadline) end,
      retry = coalesce(c.retry::jsonb, l.retry), claimed_at = null,
      recent_transition_ids = (c.transition_ids || l.recent_transition_ids)[1:32],
      lease_token = case when c.effect = 'moves' then l.lease_token end,
      session_id = case when c.effect = 'moves' then l.session_id end,
      claim_request_id = case when c.effect = 'moves' then l.claim_request_id end
    from change c
    where c.effect in ('moves', 'lets_go') and l.run_id = c.run_id and (l.workspace_id = c.workspace_id) is true`;
}

// What live_run alone told so far (run_history) becomes history, unless ended_run tells it from now on.
const TOLD = Prisma.sql`told as (
    insert into run_state (run_id, workspace_id, sequence, type, name, at, epoch, actor_kind, actor_id, reason, transition_id)
    select l.run_id, l.workspace_id, l.state_sequence - step.back, step.type, step.name, step.at, l.epoch, 'agent',
      s.agent_id, step.reason, step.transition_id
    from change c
    join live_run l on l.run_id = c.run_id and (l.workspace_id = c.workspace_id) is true and l.claimed_at is not null
    left join agent_session s on s.id = l.session_id and (s.workspace_id = l.workspace_id) is true
    cross join lateral (values
      (case l.state_type when 'RUNNING' then 1 else 0 end, 'PENDING', 'Pending', l.claimed_at, 'claimed', null),
      (0, 'RUNNING', 'Running', l.state_at, 'started', l.recent_transition_ids[1])
    ) as step (back, type, name, at, reason, transition_id)
    where c.effect <> 'passes' and (step.type = 'PENDING' or l.state_type = 'RUNNING')
      and not (c.effect = 'ends' and l.state_type = 'RUNNING' and c.sequence = l.state_sequence + 1)
  )`;

/** What a transition does beside becoming history. All but a run's last are passed through at once. */
type Effect = {
  readonly kind: "passes" | "moves" | "lets_go" | "ends";
  /** When the run first became RUNNING among these rows; with its last only, as what follows. */
  readonly firstRunningAt: string | null;
  readonly cancels: boolean;
  /** Newest first, as an array literal; null for that of the row alone. */
  readonly transitionIds: string | null;
};

function effectsOf(rows: readonly Transition[]): Effect[] {
  const ofRun = new Map<string, Transition[]>();
  for (const row of rows) {
    const before = ofRun.get(row.runId);
    if (before === undefined) ofRun.set(row.runId, [row]);
    else before.push(row);
  }
  return rows.map((row) => effectOf(row, ofRun.get(row.runId) ?? []));
}

function effectOf(row: Transition, ofRun: readonly Transition[]): Effect {
  if (row !== ofRun.at(-1))
    return { kind: "passes", firstRunningAt: null, cancels: false, transitionIds: null };
  const { type, name } = row.state;
  const letsGo = type === "SCHEDULED" || name === "Suspended";
  const ids = ofRun.map(({ transitionId }) => transitionId).toReversed();
  return {
    kind: isTerminal(type) ? "ends" : letsGo ? "lets_go" : "moves",
    firstRunningAt: ofRun.find(({ state }) => state.type === "RUNNING")?.state.at ?? null,
    cancels: ofRun.some(({ state }) => state.type === "CANCELLING"),
    transitionIds: ids.length === 1 ? null : arrayLiteral(ids),
  };
}
