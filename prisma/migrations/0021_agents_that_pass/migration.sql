-- An agent that is one process, and never comes back under its name, is forgotten once it has been silent for long.
alter table agent add column ephemeral boolean not null default false;
grant update (ephemeral) on agent to downbeat_operator;
create policy engine on agent to downbeat_engine using (true);
grant select (id, workspace_id, created_at, revoked_at, ephemeral), update (revoked_at) on agent to downbeat_engine;
