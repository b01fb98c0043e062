-- What runs show: artifacts (sealed, each in its newest version) and the numbers that their authors declare public.

create table artifact (
  run_id uuid not null,
  key_tag text not null,
  workspace_id uuid not null,
  epoch integer not null,
  sequence integer not null,
  -- Of the first version that arrived: its place in lists.
  first_epoch integer not null,
  first_sequence integer not null,
  created_at timestamptz(3) not null default current_timestamp,
  updated_at timestamptz(3) not null default current_timestamp,
  detail text not null,
  constraint artifact_pkey primary key (run_id, key_tag),
  constraint artifact_key_tag_check check (key_tag ~ '^[A-Za-z0-9_-]{43}$'),
  constraint artifact_detail_sealed check (is_sealed(detail))
) partition by range (run_id);
create table artifact_default partition of artifact default;

create table metric (
  run_id uuid not null,
  name text not null,
  workspace_id uuid not null,
  epoch integer not null,
  sequence integer not null,
  updated_at timestamptz(3) not null default current_timestamp,
  value double precision not null,
  constraint metric_pkey primary key (run_id, name),
  constraint metric_name_check check (name ~ '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$'),
  -- NaN counts as greater than infinity.
  constraint metric_value_check check (value > '-infinity' and value < 'infinity')
) partition by range (run_id);
create table metric_default partition of metric default;

do $$
declare
  table_name text;
begin
  foreach table_name in array array['artifact', 'metric'] loop
    execute format('alter table %I enable row level security', table_name);
    execute format('alter table %I force row level security', table_name);
    execute format(
      'create policy one_workspace on %I to downbeat_app
         using ((workspace_id = (select nullif(current_setting(''app.workspace'', true), '''')::uuid)) is true)',
      table_name
    );
    execute format('grant select, insert, update, delete on %I to downbeat_app', table_name);
  end loop;
  foreach table_name in array array['artifact_default', 'metric_default'] loop
    execute format('alter table %I enable row level security', table_name);
    execute format('alter table %I force row level security', table_name);
  end loop;
end $$;
