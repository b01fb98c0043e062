-- Limits on tags: tasks that carry the tag take a slot, beside whoever lists the limit by its name.
alter table concurrency_limit add column tag text;
