-- Pages of one deployment's ended runs in one state, however many others there are (docs/performance.md, Growth). A run of no
-- deployment is listed under its flow, so one index finds a flow's runs too: those of its deployments, and its own.
alter table ended_run add column listed_under uuid not null default '00000000-0000-0000-0000-000000000000';

-- Forced, row-level security would hide the rows from an owner that is no superuser.
alter table ended_run no force row level security;
alter table flow_run no force row level security;
update ended_run e set listed_under = coalesce(r.deployment_id, r.flow_id) from flow_run r where r.id = e.run_id;
alter table flow_run force row level security;
alter table ended_run force row level security;

alter table ended_run alter column listed_under drop default;
create index ended_run_listed_idx on ended_run (workspace_id, listed_under, state_type, run_id);
