-- Run retries, time limits, runs within runs, and deleting runs.

alter table deployment add column retry jsonb;
alter table deployment add column timeout_seconds integer;
alter table deployment add constraint deployment_timeout_seconds_check check (timeout_seconds > 0);

-- The policy as it stood when the run was triggered, and what is left of it. Null for most runs.
alter table live_run add column retry jsonb;

-- Why the attempt before a retry ended.
alter table run_state add column cause text;

alter table flow_run add column parent_run_id uuid;
alter table live_run add column parent_run_id uuid;
-- Only live children are ever looked for: those that a cancelled run takes along.
create index live_run_parent_idx on live_run (parent_run_id) where parent_run_id is not null;

grant delete on flow_run, run_state, task_run, log_chunk, idempotency to downbeat_app;
create index idempotency_workspace_id_run_id_idx on idempotency (workspace_id, run_id);

-- What a paused run waits for, and until when.
alter table live_run add column pause jsonb;
alter table live_run add column pause_deadline timestamptz(3);
create index live_run_pause_idx on live_run (pause_deadline) where pause_deadline is not null;

-- What people gave to the pause points that a run has passed.
create table run_input (
  run_id uuid not null,
  key text not null,
  workspace_id uuid not null,
  input text,
  given_at timestamptz(3) not null default current_timestamp,
  constraint run_input_pkey primary key (run_id, key),
  constraint run_input_input_sealed check (is_sealed(input))
);
alter table run_input enable row level security;
alter table run_input force row level security;
create policy one_workspace on run_input to downbeat_app
  using ((workspace_id = (select nullif(current_setting('app.workspace', true), '')::uuid)) is true);
grant select, insert, update, delete on run_input to downbeat_app;
-- The engine resumes runs that waited long enough, without input.
create policy engine on run_input to downbeat_engine using (input is null) with check (input is null);
grant select (run_id, key), insert on run_input to downbeat_engine;
