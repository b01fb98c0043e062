-- Flows of which two attempts must never run at once: a lapsed lease of theirs has no reconnect window.
alter table deployment add column exclusive boolean not null default false;
grant select (exclusive) on deployment to downbeat_engine;
