-- How many task runs each run has, kept as they are recorded: a page of runs would otherwise count them, however many there are.
-- A task run is reported several times; it is new at revision 0.
alter table task_run add column revision integer not null default 0;
create table task_run_count (
  run_id uuid not null,
  workspace_id uuid not null,
  count integer not null,
  constraint task_run_count_pkey primary key (run_id)
) partition by range (run_id);

do $$
declare
  part record;
  leaf text;
begin
  for part in select name, from_id, to_id from run_partition where run_table = 'task_run' loop
    leaf := replace(part.name, 'task_run', 'task_run_count');
    execute format('create table %I partition of task_run_count for values from (%s) to (%s)', leaf,
      coalesce(quote_literal(part.from_id), 'minvalue'), coalesce(quote_literal(part.to_id), 'maxvalue'));
    -- Forced, row-level security would hide the rows from an owner that is no superuser.
    execute format('alter table %I no force row level security', part.name);
    execute format('insert into %I select run_id, workspace_id, count(*) from %I group by run_id, workspace_id', leaf, part.name);
    execute format('alter table %I force row level security', part.name);
    execute format('alter table %I enable row level security, force row level security', leaf);
  end loop;
end $$;

alter table task_run_count enable row level security;
alter table task_run_count force row level security;
create policy one_workspace on task_run_count to downbeat_app
  using ((workspace_id = (select nullif(current_setting('app.workspace', true), '')::uuid)) is true);
grant select, insert, update, delete on task_run_count to downbeat_app;
