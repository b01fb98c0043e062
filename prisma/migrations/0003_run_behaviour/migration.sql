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
