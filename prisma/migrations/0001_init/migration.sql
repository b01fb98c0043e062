-- The first migration. Three roles that cannot log in carry all runtime access (docs/database.md):
--   downbeat_app       one workspace at a time, held there by row-level security
--   downbeat_engine    crosses workspaces, for sweeping and finding work; reads no sealed column
--   downbeat_operator  look-ups before anyone is known, and making workspaces
-- Roles belong to the whole server, so they may exist already, or be made by another database at this very moment.
do $$
declare
  role_name text;
begin
  foreach role_name in array array['downbeat_app', 'downbeat_engine', 'downbeat_operator'] loop
    begin
      execute format('create role %I nologin nosuperuser nobypassrls', role_name);
    exception
      when duplicate_object or unique_violation then null;
    end;
    if not (select rolsuper from pg_roles where rolname = current_user) then
      execute format('grant %I to %I', role_name, current_user);
    end if;
  end loop;
end $$;

-- What a compact JWE looks like. The API refuses anything else; this stands behind it.
create function is_sealed(sealed_text text) returns boolean
  language sql immutable parallel safe
  return sealed_text ~ '^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+$';

create table organisation (
  id uuid not null,
  name text not null,
  created_at timestamptz(3) not null default current_timestamp,
  constraint organisation_pkey primary key (id)
);

create table workspace (
  id uuid not null,
  organisation_id uuid not null,
  name text not null,
  key_id text,
  public_jwk jsonb,
  created_at timestamptz(3) not null default current_timestamp,
  constraint workspace_pkey primary key (id),
  constraint workspace_organisation_id_fkey foreign key (organisation_id) references organisation (id) on delete restrict on update cascade,
  -- Only the public half may ever stand here.
  constraint workspace_public_jwk_check check (not (public_jwk ? 'd')),
  constraint workspace_key_check check ((key_id is null) = (public_jwk is null))
);
create unique index workspace_name_key on workspace (name);

create table api_key (
  id uuid not null,
  workspace_id uuid not null,
  name text not null,
  role text not null,
  secret_hash bytea not null,
  created_at timestamptz(3) not null default current_timestamp,
  expires_at timestamptz(3),
  revoked_at timestamptz(3),
  constraint api_key_pkey primary key (id),
  constraint api_key_workspace_id_fkey foreign key (workspace_id) references workspace (id) on delete cascade on update cascade,
  constraint api_key_role_check check (role in ('viewer', 'runner', 'developer', 'admin')),
  constraint api_key_secret_hash_check check (octet_length(secret_hash) = 32)
);
create index api_key_workspace_id_id_idx on api_key (workspace_id, id);

create table data_key (
  id uuid not null,
  workspace_id uuid not null,
  wrap text not null,
  wrap_tag text,
  created_at timestamptz(3) not null default current_timestamp,
  constraint data_key_pkey primary key (workspace_id, id),
  constraint data_key_workspace_id_fkey foreign key (workspace_id) references workspace (id) on delete cascade on update cascade
);

create table flow (
  id uuid not null,
  workspace_id uuid not null,
  name text not null,
  created_at timestamptz(3) not null default current_timestamp,
  constraint flow_pkey primary key (id),
  constraint flow_workspace_id_fkey foreign key (workspace_id) references workspace (id) on delete cascade on update cascade
);
create unique index flow_workspace_id_name_key on flow (workspace_id, name);

create table flow_version (
  id uuid not null,
  workspace_id uuid not null,
  flow_id uuid not null,
  content_hash text not null,
  git_sha text,
  parameter_schema jsonb,
  created_at timestamptz(3) not null default current_timestamp,
  constraint flow_version_pkey primary key (id),
  constraint flow_version_workspace_id_fkey foreign key (workspace_id) references workspace (id) on delete cascade on update cascade,
  constraint flow_version_flow_id_fkey foreign key (flow_id) references flow (id) on delete cascade on update cascade
);
create unique index flow_version_flow_id_content_hash_key on flow_version (flow_id, content_hash);
create index flow_version_workspace_id_idx on flow_version (workspace_id);

create table work_pool (
  id uuid not null,
  workspace_id uuid not null,
  name text not null,
  paused boolean not null default false,
  concurrency_limit integer,
  created_at timestamptz(3) not null default current_timestamp,
  constraint work_pool_pkey primary key (id),
  constraint work_pool_workspace_id_fkey foreign key (workspace_id) references workspace (id) on delete cascade on update cascade,
  constraint work_pool_concurrency_limit_check check (concurrency_limit >= 0)
);
create unique index work_pool_workspace_id_name_key on work_pool (workspace_id, name);

create table work_queue (
  id uuid not null,
  workspace_id uuid not null,
  pool_id uuid not null,
  name text not null,
  priority integer not null default 100,
  paused boolean not null default false,
  created_at timestamptz(3) not null default current_timestamp,
  constraint work_queue_pkey primary key (id),
  constraint work_queue_workspace_id_fkey foreign key (workspace_id) references workspace (id) on delete cascade on update cascade,
  constraint work_queue_pool_id_fkey foreign key (pool_id) references work_pool (id) on delete cascade on update cascade,
  constraint work_queue_priority_check check (priority between 1 and 1000)
);
create unique index work_queue_pool_id_name_key on work_queue (pool_id, name);
create index work_queue_workspace_id_idx on work_queue (workspace_id);

create table deployment (
  id uuid not null,
  workspace_id uuid not null,
  flow_id uuid not null,
  flow_version_id uuid not null,
  queue_id uuid not null,
  name text not null,
  entrypoint text not null,
  default_parameters text,
  paused boolean not null default false,
  tags text[] default '{}',
  created_at timestamptz(3) not null default current_timestamp,
  updated_at timestamptz(3) not null default current_timestamp,
  constraint deployment_pkey primary key (id),
  constraint deployment_workspace_id_fkey foreign key (workspace_id) references workspace (id) on delete cascade on update cascade,
  constraint deployment_flow_id_fkey foreign key (flow_id) references flow (id) on delete cascade on update cascade,
  constraint deployment_flow_version_id_fkey foreign key (flow_version_id) references flow_version (id) on delete restrict on update cascade,
  constraint deployment_queue_id_fkey foreign key (queue_id) references work_queue (id) on delete restrict on update cascade,
  constraint deployment_entrypoint_sealed check (is_sealed(entrypoint)),
  constraint deployment_default_parameters_sealed check (is_sealed(default_parameters))
);
create unique index deployment_flow_id_name_key on deployment (flow_id, name);
create index deployment_workspace_id_id_idx on deployment (workspace_id, id);
create index deployment_queue_id_idx on deployment (queue_id);

create table enrolment_token (
  id uuid not null,
  workspace_id uuid not null,
  pool_id uuid not null,
  secret_hash bytea not null,
  created_at timestamptz(3) not null default current_timestamp,
  expires_at timestamptz(3) not null,
  used_at timestamptz(3),
  constraint enrolment_token_pkey primary key (id),
  constraint enrolment_token_workspace_id_fkey foreign key (workspace_id) references workspace (id) on delete cascade on update cascade,
  constraint enrolment_token_pool_id_fkey foreign key (pool_id) references work_pool (id) on delete cascade on update cascade,
  constraint enrolment_token_secret_hash_check check (octet_length(secret_hash) = 32)
);
create index enrolment_token_workspace_id_idx on enrolment_token (workspace_id);

create table agent (
  id uuid not null,
  workspace_id uuid not null,
  pool_id uuid not null,
  name text not null,
  public_jwk jsonb not null,
  created_at timestamptz(3) not null default current_timestamp,
  revoked_at timestamptz(3),
  constraint agent_pkey primary key (id),
  constraint agent_workspace_id_fkey foreign key (workspace_id) references workspace (id) on delete cascade on update cascade,
  constraint agent_pool_id_fkey foreign key (pool_id) references work_pool (id) on delete cascade on update cascade,
  constraint agent_public_jwk_check check (not (public_jwk ? 'd'))
);
create unique index agent_workspace_id_name_key on agent (workspace_id, name);
create index agent_pool_id_idx on agent (pool_id);

-- No index names a column that a heartbeat writes, so that beats are heap-only updates.
create table agent_session (
  id uuid not null,
  workspace_id uuid not null,
  agent_id uuid,
  api_key_id uuid,
  pool_id uuid,
  epoch integer not null,
  capacity integer not null,
  queue_names text[] default '{}',
  labels text[] default '{}',
  version text,
  opened_at timestamptz(3) not null default current_timestamp,
  heartbeat_at timestamptz(3) not null default current_timestamp,
  tick bigint not null default -1,
  lease_expires_at timestamptz(3) not null,
  ended_at timestamptz(3),
  constraint agent_session_pkey primary key (id),
  constraint agent_session_workspace_id_fkey foreign key (workspace_id) references workspace (id) on delete cascade on update cascade,
  constraint agent_session_agent_id_fkey foreign key (agent_id) references agent (id) on delete cascade on update cascade,
  constraint agent_session_api_key_id_fkey foreign key (api_key_id) references api_key (id) on delete cascade on update cascade,
  constraint agent_session_pool_id_fkey foreign key (pool_id) references work_pool (id) on delete cascade on update cascade,
  constraint agent_session_owner_check check (num_nonnulls(agent_id, api_key_id) = 1)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);
create index agent_session_agent_id_epoch_idx on agent_session (agent_id, epoch);
create index agent_session_workspace_id_idx on agent_session (workspace_id);

create table flow_run (
  id uuid not null,
  workspace_id uuid not null,
  flow_id uuid not null,
  flow_version_id uuid,
  deployment_id uuid,
  pool_id uuid,
  queue_id uuid,
  parameters text,
  tags text[] default '{}',
  created_by_kind text not null,
  created_by_id uuid,
  created_at timestamptz(3) not null default current_timestamp,
  scheduled_for timestamptz(3) not null,
  state_type text,
  state_name text,
  state_at timestamptz(3),
  state_sequence integer,
  reason text,
  started_at timestamptz(3),
  ended_at timestamptz(3),
  epoch integer not null default 0,
  lease_token text,
  recent_transition_ids uuid[] default '{}',
  agent_id uuid,
  error_class text,
  exit_code integer,
  signal text,
  error_fingerprint text,
  error_detail text,
  constraint flow_run_pkey primary key (id),
  constraint flow_run_state_type_check check (state_type in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')),
  constraint flow_run_state_name_check check (state_name in ('Completed', 'Cached', 'Skipped', 'Failed', 'TimedOut', 'UpstreamFailed', 'Missed', 'Crashed', 'Cancelled')),
  constraint flow_run_final_check check (num_nulls(state_type, state_name, state_at, state_sequence, reason, ended_at) in (0, 6)),
  constraint flow_run_created_by_kind_check check (created_by_kind in ('api-key', 'agent', 'engine')),
  constraint flow_run_error_class_check check (error_class ~ '^[A-Za-z_$][A-Za-z0-9_$.]{0,63}$'),
  constraint flow_run_signal_check check (signal ~ '^SIG[A-Z0-9]+$'),
  constraint flow_run_error_fingerprint_check check (error_fingerprint ~ '^[A-Za-z0-9_-]{43}$'),
  constraint flow_run_parameters_sealed check (is_sealed(parameters)),
  constraint flow_run_error_detail_sealed check (is_sealed(error_detail))
) partition by range (id);
create table flow_run_default partition of flow_run default;
create index flow_run_workspace_id_id_idx on flow_run (workspace_id, id);
create index flow_run_workspace_id_flow_id_id_idx on flow_run (workspace_id, flow_id, id);
create index flow_run_finished_idx on flow_run (workspace_id, state_type, id) where state_type is not null;

-- Every index here is partial on session_id, never on state: PENDING -> RUNNING stays a heap-only update.
create table live_run (
  run_id uuid not null,
  workspace_id uuid not null,
  deployment_id uuid,
  pool_id uuid,
  queue_id uuid,
  queue_priority integer not null default 100,
  scheduled_for timestamptz(3) not null,
  late boolean not null default false,
  state_type text not null,
  state_name text not null,
  state_at timestamptz(3) not null,
  reason text not null,
  state_sequence integer not null,
  epoch integer not null default 0,
  lease_token text,
  session_id uuid,
  claim_request_id uuid,
  started_at timestamptz(3),
  cancel_requested_at timestamptz(3),
  recent_transition_ids uuid[] default '{}',
  constraint live_run_pkey primary key (run_id),
  constraint live_run_state_type_check check (state_type in ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING')),
  constraint live_run_state_name_check check (state_name in ('Scheduled', 'Late', 'AwaitingRetry', 'AwaitingConcurrencySlot', 'Resuming', 'Pending', 'Running', 'Retrying', 'Unreachable', 'Paused', 'Suspended', 'Cancelling')),
  -- Whoever holds a lease has both halves of it, and a run that waits for an agent has none.
  constraint live_run_lease_check check ((session_id is null) = (lease_token is null) and (state_type <> 'SCHEDULED' or session_id is null))
) with (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.01,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0.05
);
create index live_run_claim_idx on live_run (pool_id, queue_priority, scheduled_for, run_id) where session_id is null;
create index live_run_session_idx on live_run (session_id, pool_id) where session_id is not null;
create index live_run_not_yet_late_idx on live_run (scheduled_for) where session_id is null and not late;
create index live_run_workspace_id_run_id_idx on live_run (workspace_id, run_id);

create table run_state (
  run_id uuid not null,
  sequence integer not null,
  workspace_id uuid not null,
  type text not null,
  name text not null,
  at timestamptz(3) not null,
  epoch integer not null,
  actor_kind text not null,
  actor_id uuid,
  reason text not null,
  transition_id uuid,
  error_class text,
  exit_code integer,
  signal text,
  error_fingerprint text,
  error_detail text,
  constraint run_state_pkey primary key (run_id, sequence),
  constraint run_state_type_check check (type in ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING', 'COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')),
  constraint run_state_name_check check (name in ('Scheduled', 'Late', 'AwaitingRetry', 'AwaitingConcurrencySlot', 'Resuming', 'Pending', 'Running', 'Retrying', 'Unreachable', 'Paused', 'Suspended', 'Cancelling', 'Completed', 'Cached', 'Skipped', 'Failed', 'TimedOut', 'UpstreamFailed', 'Missed', 'Crashed', 'Cancelled')),
  constraint run_state_actor_kind_check check (actor_kind in ('api-key', 'agent', 'engine')),
  constraint run_state_error_class_check check (error_class ~ '^[A-Za-z_$][A-Za-z0-9_$.]{0,63}$'),
  constraint run_state_signal_check check (signal ~ '^SIG[A-Z0-9]+$'),
  constraint run_state_error_fingerprint_check check (error_fingerprint ~ '^[A-Za-z0-9_-]{43}$'),
  constraint run_state_error_detail_sealed check (is_sealed(error_detail))
) partition by range (run_id);
create table run_state_default partition of run_state default;
create unique index run_state_transition_idx on run_state (run_id, transition_id) where transition_id is not null;

create table task_run (
  run_id uuid not null,
  id uuid not null,
  workspace_id uuid not null,
  task_name text not null,
  index integer not null,
  epoch integer not null,
  sequence integer not null,
  state_type text not null,
  state_name text not null,
  state_at timestamptz(3) not null,
  attempt integer not null,
  started_at timestamptz(3),
  ended_at timestamptz(3),
  upstream uuid[] default '{}',
  rendered_name text,
  error_class text,
  exit_code integer,
  signal text,
  error_fingerprint text,
  error_detail text,
  constraint task_run_pkey primary key (run_id, id),
  constraint task_run_state_type_check check (state_type in ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING', 'COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')),
  constraint task_run_state_name_check check (state_name in ('Scheduled', 'Late', 'AwaitingRetry', 'AwaitingConcurrencySlot', 'Resuming', 'Pending', 'Running', 'Retrying', 'Unreachable', 'Paused', 'Suspended', 'Cancelling', 'Completed', 'Cached', 'Skipped', 'Failed', 'TimedOut', 'UpstreamFailed', 'Missed', 'Crashed', 'Cancelled')),
  constraint task_run_error_class_check check (error_class ~ '^[A-Za-z_$][A-Za-z0-9_$.]{0,63}$'),
  constraint task_run_signal_check check (signal ~ '^SIG[A-Z0-9]+$'),
  constraint task_run_error_fingerprint_check check (error_fingerprint ~ '^[A-Za-z0-9_-]{43}$'),
  constraint task_run_rendered_name_sealed check (is_sealed(rendered_name)),
  constraint task_run_error_detail_sealed check (is_sealed(error_detail))
) partition by range (run_id);
create table task_run_default partition of task_run default;

create table log_chunk (
  run_id uuid not null,
  epoch integer not null,
  sequence integer not null,
  workspace_id uuid not null,
  line_count integer not null,
  received_at timestamptz(3) not null default current_timestamp,
  chunk text not null,
  constraint log_chunk_pkey primary key (run_id, epoch, sequence),
  constraint log_chunk_chunk_sealed check (is_sealed(chunk))
) partition by range (run_id);
create table log_chunk_default partition of log_chunk default;

create table idempotency (
  workspace_id uuid not null,
  key text not null,
  run_id uuid not null,
  request_hash text not null,
  created_at timestamptz(3) not null default current_timestamp,
  constraint idempotency_pkey primary key (workspace_id, key)
);

-- Row-level security, forced so that even the owner is held to it. A transaction that names no workspace sees nothing:
-- after a transaction-local setting ends it reads as '', hence nullif. "is true" changes
-- nothing but that the comparison cannot drive an index scan: in a table without statistics the planner takes it for very
-- selective and starts from all rows of the workspace where a lookup by key is meant. Statements that want the index of
-- the workspace name it themselves.
do $$
declare
  table_name text;
begin
  foreach table_name in array array[
    'api_key', 'data_key', 'flow', 'flow_version', 'work_pool', 'work_queue', 'deployment', 'enrolment_token', 'agent',
    'agent_session', 'flow_run', 'live_run', 'run_state', 'task_run', 'log_chunk', 'idempotency'
  ] loop
    execute format('alter table %I enable row level security', table_name);
    execute format('alter table %I force row level security', table_name);
    execute format(
      'create policy one_workspace on %I to downbeat_app
         using ((workspace_id = (select nullif(current_setting(''app.workspace'', true), '''')::uuid)) is true)',
      table_name
    );
    execute format('grant select, insert, update on %I to downbeat_app', table_name);
  end loop;
  -- Reached through their parents only: no policy and no grant of their own.
  foreach table_name in array array['flow_run_default', 'run_state_default', 'task_run_default', 'log_chunk_default'] loop
    execute format('alter table %I enable row level security', table_name);
    execute format('alter table %I force row level security', table_name);
  end loop;
end $$;

alter table workspace enable row level security;
alter table workspace force row level security;
create policy one_workspace on workspace to downbeat_app
  using (id = (select nullif(current_setting('app.workspace', true), '')::uuid));
alter table organisation enable row level security;
alter table organisation force row level security;

grant usage on schema public to downbeat_app, downbeat_engine, downbeat_operator;
grant select, update (key_id, public_jwk) on workspace to downbeat_app;
grant delete on live_run to downbeat_app;

-- The engine: moves runs of every workspace along, and reads none of what is sealed.
create policy engine on live_run to downbeat_engine using (true);
create policy engine on flow_run to downbeat_engine using (true);
create policy engine on run_state to downbeat_engine using (true);
create policy engine on agent_session for select to downbeat_engine using (true);
create policy engine on work_pool for select to downbeat_engine using (true);
create policy engine on work_queue for select to downbeat_engine using (true);
create policy engine on deployment for select to downbeat_engine using (true);
grant select, update, delete on live_run to downbeat_engine;
grant insert on run_state to downbeat_engine;
grant select on agent_session, work_pool, work_queue to downbeat_engine;
grant select (id, workspace_id, paused) on deployment to downbeat_engine;
grant select (id, workspace_id),
  update (
    state_type, state_name, state_at, state_sequence, reason, started_at, ended_at, epoch, lease_token,
    recent_transition_ids, agent_id, error_class, exit_code, signal, error_fingerprint, error_detail
  ) on flow_run to downbeat_engine;

-- The operator: finds who is asking before their workspace is known, and makes workspaces.
create policy operator on organisation to downbeat_operator using (true);
create policy operator on workspace to downbeat_operator using (true);
create policy operator on api_key to downbeat_operator using (true);
create policy operator on agent to downbeat_operator using (true);
create policy operator on enrolment_token to downbeat_operator using (true);
create policy operator on work_pool for select to downbeat_operator using (true);
grant select, insert on organisation, workspace, api_key to downbeat_operator;
grant select, insert, update (pool_id, public_jwk, revoked_at) on agent to downbeat_operator;
grant select, update (used_at) on enrolment_token to downbeat_operator;
grant select on work_pool to downbeat_operator;
