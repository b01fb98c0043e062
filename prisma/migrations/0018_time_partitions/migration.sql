-- Partitions of time for what belongs to runs (docs/adr/0010): made ahead, emptied and dropped once retention has passed.
-- Each table has <table>_before, everything older than its other partitions, and <table>_after, everything newer.

-- The smallest id that a run made at that time may have, and the time a run's id tells.
create function run_id_at(at timestamptz) returns uuid
  language sql immutable parallel safe
  return (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
create function run_id_time(run_id uuid) returns timestamptz
  language sql immutable parallel safe
  return to_timestamp(('x' || lpad(left(replace(run_id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint / 1000.0);

-- Every partition, with the ids it takes: from from_id on, below to_id; null where it has no bound.
create view run_partition as
  select parent.relname::text as run_table, leaf.relname::text as name, bound[1]::uuid as from_id, bound[2]::uuid as to_id,
    run_id_time(bound[1]::uuid) as starts_at, run_id_time(bound[2]::uuid) as ends_at,
    pg_relation_size(leaf.oid) = 0 as is_empty
  from pg_class parent
  join pg_inherits i on i.inhparent = parent.oid
  join pg_class leaf on leaf.oid = i.inhrelid
  cross join lateral regexp_match(
    pg_get_expr(leaf.relpartbound, leaf.oid),
    'FROM \((?:MINVALUE|''([0-9a-f-]+)'')\) TO \((?:MAXVALUE|''([0-9a-f-]+)'')\)'
  ) as bound
  where parent.relkind = 'p' and parent.relnamespace = 'public'::regnamespace;
grant select on run_partition to downbeat_engine;

-- What there is stays where it is and becomes <table>_before. Ids from tomorrow on (of a clock that is ahead) move.
do $$
declare
  run_table text;
  key_column text;
  first_day timestamptz := date_trunc('day', now() at time zone 'UTC') at time zone 'UTC' + interval '1 day';
  first_id uuid := run_id_at(first_day);
  next_id uuid := run_id_at(first_day + interval '9 days');
  leaf text;
begin
  for run_table, key_column in
    select c.relname, a.attname from pg_partitioned_table p
    join pg_class c on c.oid = p.partrelid and c.relnamespace = 'public'::regnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum = p.partattrs[0]
    order by c.relname
  loop
    execute format('alter table %I detach partition %I', run_table, run_table || '_default');
    execute format('alter table %I rename to %I', run_table || '_default', run_table || '_before');
    leaf := run_table || to_char(first_day at time zone 'UTC', '_YYYYMMDD');
    execute format('create table %I partition of %I for values from (%L) to (%L)', leaf, run_table, first_id, next_id);
    execute format('create table %I partition of %I for values from (%L) to (maxvalue)', run_table || '_after', run_table, next_id);
    -- Forced, row-level security would hide them from an owner that is no superuser.
    execute format('alter table %I no force row level security', run_table || '_before');
    execute format('alter table %I no force row level security', run_table);
    execute format('with ahead as (delete from %I where %I >= %L returning *) insert into %I select * from ahead',
      run_table || '_before', key_column, first_id, run_table);
    execute format('alter table %I attach partition %I for values from (minvalue) to (%L)', run_table, run_table || '_before', first_id);
    execute format('alter table %I force row level security', run_table);
    execute format('alter table %I force row level security', run_table || '_before');
    execute format('alter table %I enable row level security, force row level security', run_table || '_after');
    execute format('alter table %I enable row level security, force row level security', leaf);
  end loop;
end $$;

-- The changes of shape are the owner's, so the engine asks for them here, and for nothing else. A lock that is not to be
-- had at once is given up: everybody else would stand in line behind it.

-- Makes the next partition of a table, up to that time; null when it is there already.
create function add_run_partition(run_table text, ends_at timestamptz) returns text
  language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '200ms'
as $$
declare
  after_name text := run_table || '_after';
  leaf text;
  first_id uuid;
  next_id uuid := run_id_at(ends_at);
begin
  if not exists (select from run_partition p where p.run_table = add_run_partition.run_table) then
    raise exception '% is not a table of run data', run_table;
  end if;
  execute format('lock table %I in access exclusive mode', run_table);
  select from_id into first_id from run_partition where name = after_name;
  if next_id <= first_id then return null; end if;
  leaf := run_table || to_char(run_id_time(first_id) at time zone 'UTC', '_YYYYMMDD');
  execute format('alter table %I detach partition %I', run_table, after_name);
  execute format('create table %I partition of %I for values from (%L) to (%L)', leaf, run_table, first_id, next_id);
  if pg_relation_size(after_name::regclass) > 0 then
    perform move_run_rows(after_name, leaf, next_id);
  end if;
  execute format('alter table %I enable row level security, force row level security', leaf);
  execute format('alter table %I attach partition %I for values from (%L) to (maxvalue)', run_table, after_name, next_id);
  return leaf;
end $$;

-- Moves the rows below an id out of a table that is detached; nobody else sees that it is not held to policies meanwhile.
create function move_run_rows(from_table text, to_table text, below_id uuid) returns void
  language plpgsql
as $$
declare
  key_column text := case when from_table = 'flow_run_after' then 'id' else 'run_id' end;
begin
  execute format('alter table %I no force row level security', from_table);
  execute format('with moved as (delete from %I where %I < %L returning *) insert into %I select * from moved',
    from_table, key_column, below_id, to_table);
  execute format('alter table %I force row level security', from_table);
end $$;

-- Keeps others from a partition until the transaction ends.
create function lock_run_partition(partition_name text) returns void
  language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '200ms'
as $$
begin
  if not exists (select from run_partition where name = partition_name) then
    raise exception '% is not a partition of run data', partition_name;
  end if;
  execute format('lock table %I in access exclusive mode', partition_name);
end $$;

-- Gives a partition's rows and its disk space back.
create function empty_run_partition(partition_name text) returns void
  language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '200ms'
as $$
begin
  perform lock_run_partition(partition_name);
  execute format('truncate table %I', partition_name);
end $$;

-- Drops an empty partition that follows <table>_before, which takes its ids from then on; false when it may not be dropped.
create function absorb_run_partition(partition_name text) returns boolean
  language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '200ms'
as $$
declare
  run_table text;
  before_name text;
  next_id uuid;
begin
  select p.run_table, p.run_table || '_before' into run_table, before_name from run_partition p where name = partition_name;
  if run_table is null then return false; end if;
  execute format('lock table %I in access exclusive mode', run_table);
  select leaf.to_id into next_id
  from run_partition leaf join run_partition before on before.name = before_name and before.to_id = leaf.from_id
  where leaf.name = partition_name and leaf.is_empty and before.is_empty;
  if next_id is null then return false; end if;
  execute format('alter table %I detach partition %I', run_table, before_name);
  execute format('drop table %I', partition_name);
  execute format('alter table %I attach partition %I for values from (minvalue) to (%L)', run_table, before_name, next_id);
  return true;
end $$;

revoke execute on function add_run_partition, move_run_rows, lock_run_partition, empty_run_partition, absorb_run_partition from public;
grant execute on function add_run_partition, lock_run_partition, empty_run_partition, absorb_run_partition to downbeat_engine;

-- How many runs ended how, by the day they were made: written before the runs themselves go.
create table run_day (
  workspace_id uuid not null,
  day date not null,
  flow_id uuid not null,
  -- The nil UUID: of no deployment.
  deployment_id uuid not null,
  state_type text not null,
  runs bigint not null,
  running_ms bigint not null,
  constraint run_day_pkey primary key (workspace_id, day, flow_id, deployment_id, state_type),
  constraint run_day_state_type_check check (state_type in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED'))
);
alter table run_day enable row level security;
alter table run_day force row level security;
create policy one_workspace on run_day to downbeat_app
  using ((workspace_id = (select nullif(current_setting('app.workspace', true), '')::uuid)) is true);
create policy engine on run_day to downbeat_engine using (true);
grant select on run_day to downbeat_app;
grant select, insert, update on run_day to downbeat_engine;
grant select (flow_id, deployment_id, created_at) on flow_run to downbeat_engine;
grant select (run_id, workspace_id, state_type, state_at, started_at) on ended_run to downbeat_engine;

-- What has no partitions and goes with the runs all the same.
drop index idempotency_workspace_id_run_id_idx;
create index idempotency_run_id_idx on idempotency (run_id);
create policy engine on idempotency to downbeat_engine using (true);
grant select (run_id), delete on idempotency to downbeat_engine;
-- Reading what was given is kept from the engine by its grants.
drop policy engine on run_input;
create policy engine on run_input to downbeat_engine using (true) with check (input is null);
grant delete on run_input to downbeat_engine;
