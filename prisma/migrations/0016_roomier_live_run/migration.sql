-- A run's row is written three times within a second or so: made, claimed, started. Room for all three on its page keeps
-- the last of them from touching an index (docs/performance.md).
alter table live_run set (fillfactor = 40);
