-- The leases of attempts that user code ran in and that were followed by another: what such an attempt logged may arrive
-- late, and is recognised by them. The newest eight of a run.
create table former_lease (
  run_id uuid not null,
  epoch integer not null,
  workspace_id uuid not null,
  lease_token text not null,
  constraint former_lease_pkey primary key (run_id, epoch)
);
alter table former_lease enable row level security;
alter table former_lease force row level security;
create policy one_workspace on former_lease to downbeat_app
  using ((workspace_id = (select nullif(current_setting('app.workspace', true), '')::uuid)) is true);
create policy engine on former_lease to downbeat_engine using (true);
grant select, insert, delete on former_lease to downbeat_app;
grant select (run_id, epoch), insert, delete on former_lease to downbeat_engine;

create function keep_former_lease() returns trigger
  language plpgsql
  as $$
begin
  delete from former_lease where run_id = old.run_id and epoch <= old.epoch - 8;
  insert into former_lease (run_id, epoch, workspace_id, lease_token)
    values (old.run_id, old.epoch, old.workspace_id, old.lease_token)
    on conflict do nothing;
  return null;
end $$;

-- Every statement that moves a live run passes here, so none can forget it; the others pay for the comparison alone.
create trigger live_run_keep_former_lease after update on live_run for each row
  when (old.lease_token is not null and new.lease_token is null and new.state_name in ('AwaitingRetry', 'Suspended'))
  execute function keep_former_lease();
