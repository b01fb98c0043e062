-- A transaction left open anywhere in the database keeps vacuum from rows that died since it began, and live_run, whose rows live for
-- seconds, fills with them. The few live rows are copied into fresh storage instead, which asks for nobody's transaction but
-- those that use the table at this moment (docs/database.md, Dead rows).
grant insert, truncate on live_run to downbeat_engine;

-- Returns how many rows were kept. A lock that is not to be had soon is given up: everybody else would stand in line behind it.
create function compact_live_run() returns integer
  language plpgsql set lock_timeout = '100ms' set enable_seqscan = on
as $$
declare
  kept live_run[];
begin
  lock table live_run in access exclusive mode;
  kept := array(select l from live_run l);
  truncate live_run;
  insert into live_run select * from unnest(kept);
  return cardinality(kept);
end $$;

-- The oldest transaction that keeps dead rows, of those that the owner may look at: its own, or all with pg_read_all_stats.
create function oldest_transaction() returns table (pid integer, application_name text, state text, age_seconds double precision)
  language sql stable security definer set search_path = public, pg_temp
as $$
  select a.pid, a.application_name, a.state, extract(epoch from clock_timestamp() - a.xact_start)::double precision
  from pg_stat_activity a
  where a.datname = current_database() and a.backend_type = 'client backend' and a.pid <> pg_backend_pid()
    and (a.backend_xmin is not null or a.backend_xid is not null)
  order by a.xact_start
  limit 1
$$;

-- Ends sessions of the owner's own that have been idle in a transaction for so long and hold a lock on live_run all the while.
create function end_idle_transactions(idle_for interval) returns table (pid integer, application_name text)
  language sql volatile security definer set search_path = public, pg_temp
as $$
  -- Materialized: conditions of one query are tried in any order, and this one must come last.
  with idle as materialized (
    select a.pid, a.application_name
    from pg_stat_activity a
    where a.datname = current_database() and a.usename = current_user and a.state like 'idle in transaction%'
      and a.state_change < clock_timestamp() - idle_for
      and exists (select from pg_locks l where l.pid = a.pid and l.relation = 'public.live_run'::regclass and l.granted)
  )
  select pid, application_name from idle where pg_terminate_backend(pid)
$$;

revoke execute on function compact_live_run, oldest_transaction, end_idle_transactions from public;
grant execute on function compact_live_run, oldest_transaction, end_idle_transactions to downbeat_engine;

-- Sessions that ended long ago are of no use to anyone.
create policy engine_forgets on agent_session for delete to downbeat_engine using (true);
grant delete on agent_session to downbeat_engine;
