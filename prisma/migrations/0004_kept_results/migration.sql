-- Where customers keep results (sealed: the plane cannot read it), and which of them the next attempt may use.

alter table flow_run add column result text;
alter table flow_run add constraint flow_run_result_sealed check (is_sealed(result));
-- Results kept by attempts from this epoch on are used again; a retry from the start moves it past all of them.
alter table flow_run add column results_from integer not null default 0;

alter table task_run add column result text;
alter table task_run add column cache_tag text;
alter table task_run add constraint task_run_result_sealed check (is_sealed(result));
alter table task_run add constraint task_run_cache_tag_check check (cache_tag ~ '^[A-Za-z0-9_-]{43}$');

grant update (result) on flow_run to downbeat_engine;
