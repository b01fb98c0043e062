-- Runs whose ids tell another time than they were made at, by more than a minute: callers may choose ids, and their clocks are their own.
-- Pages of runs that were made in a given time look for these apart, and for all others by the time in their ids.
alter table flow_run add column stray_id boolean not null default false;

-- Reads every run once (about six seconds for each million of them). Forced, row-level security would hide the rows from an owner that is no superuser.
alter table flow_run no force row level security;
update flow_run set stray_id = true
where id < run_id_at(created_at - interval '1 minute') or id >= run_id_at(created_at + interval '1 minute');
alter table flow_run force row level security;

create index flow_run_stray_idx on flow_run (workspace_id, id) where stray_id;
