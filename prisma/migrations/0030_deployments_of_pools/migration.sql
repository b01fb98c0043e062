-- Which deployments have ever stood in which pool: a pool's runs are looked for under these, however many others there are.
create table pool_deployment (
  workspace_id uuid not null,
  pool_id uuid not null,
  deployment_id uuid not null,
  constraint pool_deployment_pkey primary key (workspace_id, pool_id, deployment_id),
  constraint pool_deployment_workspace_id_fkey foreign key (workspace_id) references workspace (id) on delete cascade on update cascade,
  constraint pool_deployment_pool_id_fkey foreign key (pool_id) references work_pool (id) on delete cascade on update cascade,
  constraint pool_deployment_deployment_id_fkey foreign key (deployment_id) references deployment (id) on delete cascade on update cascade
);

-- Forced, row-level security would hide the rows from an owner that is no superuser.
alter table deployment no force row level security;
alter table work_queue no force row level security;
alter table work_pool no force row level security;
alter table flow_run no force row level security;
insert into pool_deployment (workspace_id, pool_id, deployment_id)
select d.workspace_id, q.pool_id, d.id from deployment d join work_queue q on q.id = d.queue_id
union
-- Where those stood before that have moved since. Runs have no foreign keys.
select d.workspace_id, p.id, d.id
from (select distinct pool_id, deployment_id from flow_run) as stood
join deployment d on d.id = stood.deployment_id
join work_pool p on p.id = stood.pool_id;
alter table flow_run force row level security;
alter table work_pool force row level security;
alter table work_queue force row level security;
alter table deployment force row level security;

alter table pool_deployment enable row level security;
alter table pool_deployment force row level security;
create policy one_workspace on pool_deployment to downbeat_app
  using ((workspace_id = (select nullif(current_setting('app.workspace', true), '')::uuid)) is true);
grant select, insert on pool_deployment to downbeat_app;
