-- The runs of a flow are those of its deployments, which have an index, and those of none: one entry less for nearly every run.
create index flow_run_of_no_deployment_idx on flow_run (workspace_id, flow_id, id) where deployment_id is null;
drop index flow_run_workspace_id_flow_id_id_idx;
