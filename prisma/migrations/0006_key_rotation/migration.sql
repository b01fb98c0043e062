-- The steps by which the workspace's public key came to be the current one. Of the older keys themselves only what the
-- newer key sealed is here.
create table key_rotation (
  workspace_id uuid not null,
  from_key_id text not null,
  key_id text not null,
  public_jwk jsonb not null,
  statement text not null,
  archive text not null,
  created_at timestamptz(3) not null default current_timestamp,
  constraint key_rotation_pkey primary key (workspace_id, from_key_id),
  constraint key_rotation_workspace_id_fkey foreign key (workspace_id) references workspace (id) on delete cascade on update cascade
);
-- A key that was once current does not come back.
create unique index key_rotation_workspace_id_key_id_key on key_rotation (workspace_id, key_id);
alter table key_rotation enable row level security;
alter table key_rotation force row level security;
create policy one_workspace on key_rotation to downbeat_app
  using ((workspace_id = (select nullif(current_setting('app.workspace', true), '')::uuid)) is true);
grant select, insert on key_rotation to downbeat_app;
