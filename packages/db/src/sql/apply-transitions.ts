import type { Actor } from "@downbeat/contract";
import type { AcceptedTransition } from "@downbeat/core";
import { plainColumn } from "../array-literal.ts";
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
 * terminal leaves live_run; one that becomes SCHEDULED or is suspended gives up its lease, and takes on the time and what
 * is left of its budget if that is a retry. Either gives its slots of named limits back.
 *
 * @param now when the wait for a retry begins; the database's clock when absent
 *
 * Locks: the live_run rows, which the caller has locked before (lock-runs.ts), so nothing is waited for.
 * The workspace is compared `is true` so that only the key can drive a lookup (see 0001_init).
 * Indexes: live_run_pkey, flow_run_pkey, run_state_pkey, limit_slot_run_id_idx.
 */
export async function applyTransitions(
  tx: Tx | EngineTx,
  rows: readonly Transition[],
  { now = null }: { readonly now?: Date | null } = {},
): Promise<void> {
  if (rows.length === 0) return;
  const error = <K extends "class" | "exitCode" | "signal" | "fingerprint" | "detail">(key: K) =>
    rows.map((row) => row.error?.[key] ?? null);
  await tx.prisma.$executeRaw`/* prepared */
    with change as (
      select * from unnest(
        ${plainColumn(rows.map((row) => row.runId))}::uuid[], ${plainColumn(rows.map((row) => row.workspaceId))}::uuid[],
        ${plainColumn(rows.map((row) => row.sequence))}::int[], ${plainColumn(rows.map((row) => row.state.type))}::text[],
        ${plainColumn(rows.map((row) => row.state.name))}::text[],
        ${plainColumn(rows.map((row) => row.state.at))}::timestamptz[],
        ${plainColumn(rows.map((row) => row.epoch))}::int[], ${plainColumn(rows.map((row) => row.actor.kind))}::text[],
        ${plainColumn(rows.map((row) => row.actor.id))}::uuid[], ${plainColumn(rows.map((row) => row.reason))}::text[],
        ${plainColumn(rows.map((row) => row.transitionId))}::uuid[], ${error("class")}::text[], ${error("exitCode")}::int[],
        ${error("signal")}::text[], ${error("fingerprint")}::text[], ${error("detail")}::text[],
        ${rows.map((row) => row.retry?.cause ?? null)}::text[],
        ${rows.map((row) => row.retry?.delayMs ?? null)}::double precision[],
        ${rows.map((row) => (row.retry === undefined ? null : JSON.stringify(row.retry.budget)))}::text[],
        ${rows.map((row) => (row.pause === undefined ? null : JSON.stringify(row.pause)))}::text[],
        ${rows.map((row) => row.result ?? null)}::text[]
      ) as given (
        run_id, workspace_id, sequence, type, name, at, epoch, actor_kind, actor_id, reason, transition_id,
        error_class, exit_code, signal, error_fingerprint, error_detail, cause, retry_delay_ms, retry, pause,
        result
      )
    ),
    history as (
      insert into run_state (run_id, workspace_id, sequence, type, name, at, epoch, actor_kind, actor_id, reason,
        transition_id, error_class, exit_code, signal, error_fingerprint, error_detail, cause)
      select run_id, workspace_id, sequence, type, name, at, epoch, actor_kind, actor_id, reason, transition_id,
        error_class, exit_code, signal, error_fingerprint, error_detail, cause
      from change
    ),
    last as (
      select distinct on (run_id) *, type in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED') as terminal,
        min(at) filter (where type = 'RUNNING') over whole_run as first_running,
        min(at) filter (where type = 'CANCELLING') over whole_run as cancelled_at,
        array_agg(transition_id) over whole_run as transition_ids
      from change
      window whole_run as (
        partition by run_id order by sequence desc rows between unbounded preceding and unbounded following
      )
      order by run_id, sequence desc
    ),
    -- Slots are of a run that is held; the table is empty where nobody uses named limits.
    freed as (
      delete from limit_slot s using last
      where s.run_id = last.run_id and (s.workspace_id = last.workspace_id) is true
        and (last.terminal or last.type = 'SCHEDULED' or last.name = 'Suspended')
    ),
    gone as (
      delete from live_run l using last
      where l.run_id = last.run_id and (l.workspace_id = last.workspace_id) is true and last.terminal
      returning last.*, l.started_at, l.lease_token, l.session_id, l.recent_transition_ids
    ),
    finished as (
      update flow_run r
      set state_type = gone.type, state_name = gone.name, state_at = gone.at, state_sequence = gone.sequence,
        reason = gone.reason, started_at = coalesce(gone.started_at, gone.first_running), ended_at = gone.at,
        epoch = gone.epoch, lease_token = gone.lease_token,
        recent_transition_ids = (gone.transition_ids || gone.recent_transition_ids)[1:32],
        agent_id = (select s.agent_id from agent_session s where s.id = gone.session_id),
        error_class = gone.error_class, exit_code = gone.exit_code, signal = gone.signal,
        error_fingerprint = gone.error_fingerprint, error_detail = gone.error_detail, result = gone.result
      from gone
      where r.id = gone.run_id and (r.workspace_id = gone.workspace_id) is true
    )
    update live_run l
    set state_type = last.type, state_name = last.name, state_at = last.at, state_sequence = last.sequence,
      reason = last.reason, started_at = coalesce(l.started_at, last.first_running),
      cancel_requested_at = coalesce(l.cancel_requested_at,
        case when last.cancelled_at is not null then coalesce(${now}::timestamptz, now()) end),
      late = last.name in ('Late', 'AwaitingConcurrencySlot'), scheduled_for = coalesce(
        coalesce(${now}::timestamptz, now()) + make_interval(secs => last.retry_delay_ms / 1000),
        case when last.name = 'Resuming' then coalesce(${now}::timestamptz, now()) end, l.scheduled_for),
      pause = case when last.type = 'PAUSED' then coalesce(last.pause::jsonb, l.pause) end,
      pause_deadline = case when last.type = 'PAUSED' then coalesce(coalesce(${now}::timestamptz, now())
        + make_interval(secs => (last.pause::jsonb->>'timeoutSeconds')::double precision), l.pause_deadline) end,
      retry = coalesce(last.retry::jsonb, l.retry),
      recent_transition_ids = (last.transition_ids || l.recent_transition_ids)[1:32],
      lease_token = case when last.type = 'SCHEDULED' or last.name = 'Suspended' then null else l.lease_token end,
      session_id = case when last.type = 'SCHEDULED' or last.name = 'Suspended' then null else l.session_id end,
      claim_request_id = case when last.type = 'SCHEDULED' or last.name = 'Suspended' then null else l.claim_request_id end
    from last
    where l.run_id = last.run_id and (l.workspace_id = last.workspace_id) is true and not last.terminal`;
}
