-- Pages of a run's task runs by start and id, those that have not started last, as nulls are: each reads what it shows, however many there
-- are. Nothing may record task runs while it is made (about two seconds for each million of them).
create index task_run_run_id_started_at_id_idx on task_run (run_id, started_at, id);
