-- Pages of one deployment's runs, however many others there are.
create index flow_run_workspace_id_deployment_id_id_idx on flow_run (workspace_id, deployment_id, id);
