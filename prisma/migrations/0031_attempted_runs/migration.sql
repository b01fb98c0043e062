-- Pages of running or paused runs read these, and not all that wait for their first attempt. By the epoch, which only
-- a claim raises, never by the state: PENDING -> RUNNING stays a heap-only update.
create index live_run_attempted_idx on live_run (workspace_id, run_id) where epoch > 0;
alter table live_run add constraint live_run_attempted_check check (state_type = 'SCHEDULED' or epoch > 0);
