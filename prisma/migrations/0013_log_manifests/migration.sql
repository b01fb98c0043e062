-- Sealed lists of what each attempt's log consists of. Goes with log_chunk in every respect.
create table log_manifest (
  run_id uuid not null,
  epoch integer not null,
  part integer not null,
  workspace_id uuid not null,
  manifest text not null,
  constraint log_manifest_pkey primary key (run_id, epoch, part),
  constraint log_manifest_manifest_sealed check (is_sealed(manifest))
) partition by range (run_id);
create table log_manifest_default partition of log_manifest default;

alter table log_manifest enable row level security;
alter table log_manifest force row level security;
alter table log_manifest_default enable row level security;
alter table log_manifest_default force row level security;
create policy one_workspace on log_manifest to downbeat_app
  using ((workspace_id = (select nullif(current_setting('app.workspace', true), '')::uuid)) is true);
grant select, insert, delete on log_manifest to downbeat_app;
