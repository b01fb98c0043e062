-- How runs ended, apart from what they are: flow_run is written once and never again, so nothing in it dies and its
-- indexes get one entry a run (docs/performance.md has the figures).
create table ended_run (
  run_id uuid not null,
  workspace_id uuid not null,
  state_type text not null,
  state_name text not null,
  state_at timestamptz(3) not null,
  state_sequence integer not null,
  reason text not null,
  started_at timestamptz(3),
  epoch integer not null,
  lease_token text,
  recent_transition_ids uuid[] default '{}',
  agent_id uuid,
  error_class text,
  exit_code integer,
  signal text,
  error_fingerprint text,
  error_detail text,
  result text,
  constraint ended_run_pkey primary key (run_id),
  constraint ended_run_state_type_check check (state_type in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')),
  constraint ended_run_state_name_check check (state_name in ('Completed', 'Cached', 'Skipped', 'Failed', 'TimedOut', 'UpstreamFailed', 'Missed', 'Crashed', 'Cancelled')),
  constraint ended_run_error_class_check check (error_class ~ '^[A-Za-z_$][A-Za-z0-9_$.]{0,63}$'),
  constraint ended_run_signal_check check (signal ~ '^SIG[A-Z0-9]+$'),
  constraint ended_run_error_fingerprint_check check (error_fingerprint ~ '^[A-Za-z0-9_-]{43}$'),
  -- "is null or": most are, and the function costs more than asking.
  constraint ended_run_error_detail_sealed check (error_detail is null or is_sealed(error_detail)),
  constraint ended_run_result_sealed check (result is null or is_sealed(result))
) partition by range (run_id);
create table ended_run_default partition of ended_run default;

insert into ended_run (run_id, workspace_id, state_type, state_name, state_at, state_sequence, reason, started_at, epoch,
  lease_token, recent_transition_ids, agent_id, error_class, exit_code, signal, error_fingerprint, error_detail, result)
select id, workspace_id, state_type, state_name, state_at, state_sequence, reason, started_at, epoch, lease_token,
  recent_transition_ids, agent_id, error_class, exit_code, signal, error_fingerprint, error_detail, result
from flow_run where state_type is not null;
create index ended_run_workspace_id_state_type_run_id_idx on ended_run (workspace_id, state_type, run_id);

alter table ended_run enable row level security;
alter table ended_run force row level security;
alter table ended_run_default enable row level security;
alter table ended_run_default force row level security;
create policy one_workspace on ended_run to downbeat_app
  using ((workspace_id = (select nullif(current_setting('app.workspace', true), '')::uuid)) is true);
create policy engine on ended_run to downbeat_engine using (true);
-- update: what locks a row needs it.
grant select, insert, update, delete on ended_run to downbeat_app;
grant insert on ended_run to downbeat_engine;

drop index flow_run_finished_idx;
alter table flow_run
  drop constraint flow_run_final_check,
  drop column state_type, drop column state_name, drop column state_at, drop column state_sequence, drop column reason,
  drop column started_at, drop column ended_at, drop column epoch, drop column lease_token,
  drop column recent_transition_ids, drop column agent_id, drop column error_class, drop column exit_code,
  drop column signal, drop column error_fingerprint, drop column error_detail, drop column result;

alter table flow_run drop constraint flow_run_parameters_sealed;
alter table flow_run add constraint flow_run_parameters_sealed check (parameters is null or is_sealed(parameters));
alter table run_state drop constraint run_state_error_detail_sealed;
alter table run_state add constraint run_state_error_detail_sealed check (error_detail is null or is_sealed(error_detail));

-- A run's transitions are decided under the lock of its row, and a repeated one is found by its run.
drop index run_state_transition_idx;

-- Leases of earlier attempts are kept by the one statement that takes them away; a trigger looks at every update.
drop trigger live_run_keep_former_lease on live_run;
drop function keep_former_lease();
grant select (workspace_id) on former_lease to downbeat_engine;
