-- Limits: of queues and deployments, and named ones shared by whoever lists them.

alter table work_queue add column concurrency_limit integer;
alter table work_queue add constraint work_queue_concurrency_limit_check check (concurrency_limit >= 0);

alter table deployment add column concurrency_limit integer;
alter table deployment add column concurrency_strategy text not null default 'enqueue';
alter table deployment add column limit_names text[] default '{}';
alter table deployment add column required_labels text[] default '{}';
alter table deployment add constraint deployment_concurrency_limit_check check (concurrency_limit >= 1);
alter table deployment add constraint deployment_concurrency_strategy_check
  check (concurrency_strategy in ('enqueue', 'cancel-new', 'cancel-running'));

-- tokens and tokens_at are the bucket of the rate as it stood then; null until first used, which means full.
create table concurrency_limit (
  id uuid not null,
  workspace_id uuid not null,
  name text not null,
  slots integer not null,
  rate_per_second double precision,
  burst integer,
  tokens double precision,
  tokens_at timestamptz(3),
  created_at timestamptz(3) not null default current_timestamp,
  updated_at timestamptz(3) not null default current_timestamp,
  constraint concurrency_limit_pkey primary key (id),
  constraint concurrency_limit_workspace_id_fkey foreign key (workspace_id) references workspace (id) on delete cascade on update cascade,
  constraint concurrency_limit_slots_check check (slots >= 0),
  constraint concurrency_limit_rate_check check ((rate_per_second is null) = (burst is null) and rate_per_second > 0 and burst >= 1),
  constraint concurrency_limit_tokens_check check ((tokens is null) = (tokens_at is null))
);
create unique index concurrency_limit_workspace_id_name_key on concurrency_limit (workspace_id, name);

-- A taken slot. It belongs to a run that some session holds, and is deleted by the statement that ends that (no foreign
-- key says so: its trigger would run for every run that ends). holder_id is the run itself, or a request of one of its tasks.
create table limit_slot (
  limit_id uuid not null,
  holder_id uuid not null,
  workspace_id uuid not null,
  run_id uuid not null,
  epoch integer not null,
  session_id uuid not null,
  task_run_id uuid,
  acquired_at timestamptz(3) not null default current_timestamp,
  constraint limit_slot_pkey primary key (limit_id, holder_id),
  constraint limit_slot_limit_id_fkey foreign key (limit_id) references concurrency_limit (id) on delete cascade on update cascade
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
create index limit_slot_run_id_idx on limit_slot (run_id);

-- Claims go by line: who waits in which queue for which deployment. A scan jumps from line to line, so that one of ten
-- thousand runs, paused, full or served by nobody, costs no more than one of a single run, and nobody stands behind it.
drop index live_run_claim_idx;
create index live_run_claim_idx on live_run (pool_id, queue_priority, queue_id, deployment_id, scheduled_for, run_id)
  where session_id is null;
-- What limits count.
create index live_run_held_idx on live_run (pool_id, deployment_id) where session_id is not null;

do $$
declare
  table_name text;
begin
  foreach table_name in array array['concurrency_limit', 'limit_slot'] loop
    execute format('alter table %I enable row level security', table_name);
    execute format('alter table %I force row level security', table_name);
    execute format(
      'create policy one_workspace on %I to downbeat_app
         using ((workspace_id = (select nullif(current_setting(''app.workspace'', true), '''')::uuid)) is true)',
      table_name
    );
    execute format('grant select, insert, update, delete on %I to downbeat_app', table_name);
  end loop;
end $$;

create policy engine on concurrency_limit for select to downbeat_engine using (true);
create policy engine on limit_slot to downbeat_engine using (true);
grant select on concurrency_limit to downbeat_engine;
grant select, delete on limit_slot to downbeat_engine;
grant select (queue_id, concurrency_limit, concurrency_strategy, limit_names, required_labels) on deployment to downbeat_engine;

-- Tokens in the bucket of a limit at that time; without a rate there is always one more. Never runs backwards: a clock that
-- jumps back adds nothing.
create function limit_tokens(bucket concurrency_limit, at timestamptz) returns double precision
  language sql immutable
  return case
    when bucket.rate_per_second is null then 1000000
    when bucket.tokens is null then bucket.burst
    else least(bucket.burst, bucket.tokens
      + bucket.rate_per_second * greatest(0, extract(epoch from at - bucket.tokens_at)::double precision))
  end;

-- Whether some limit keeps the waiting runs of a deployment in a queue from being taken. What is not limited costs nothing:
-- the counts stand behind null checks.
create function is_full(pool_limit integer, queue_limit integer, deployment_limit integer, limit_names text[],
  workspace uuid, pool uuid, queue uuid, deployment uuid, at timestamptz) returns boolean
  language sql stable
  return coalesce(pool_limit <= (select count(*) from live_run l where l.pool_id = pool and l.session_id is not null), false)
    or coalesce(queue_limit <= (
      select count(*) from live_run l where l.pool_id = pool and l.session_id is not null and l.queue_id = queue), false)
    or coalesce(deployment_limit <= (
      select count(*) from live_run l where l.pool_id = pool and l.session_id is not null and l.deployment_id = deployment), false)
    or (limit_names <> '{}' and exists (
      select from concurrency_limit c
      where c.workspace_id = workspace and c.name = any(limit_names)
        and (c.slots <= (select count(*) from limit_slot s where s.limit_id = c.id) or limit_tokens(c, at) < 1)));
