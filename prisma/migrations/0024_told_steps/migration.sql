-- A run that is claimed, started and ended at its first attempt, which is nearly every one, has no row in run_state for these steps:
-- live_run and then ended_run tell them, as flow_run tells the first state (docs/adr/0013).
-- Null: whatever happened is in run_state. Otherwise the time of the claim, and the run has only been started since, by the agent
-- that claimed it, if its state is RUNNING.
alter table live_run add column claimed_at timestamptz(3);
alter table live_run add constraint live_run_claimed_check
  check (claimed_at is null or (state_name in ('Pending', 'Running') and epoch = 1 and session_id is not null));
-- Null, or the time of the claim: the run was started next, at started_at, and ended right after that. Its end may have a row of its own.
alter table ended_run add column claimed_at timestamptz(3);
alter table ended_run add constraint ended_run_claimed_check
  check (claimed_at is null or (started_at is not null and epoch = 1 and agent_id is not null));

-- The whole history of runs, wherever it is told.
create view run_history with (security_invoker = true) as
  select run_id, sequence, workspace_id, type, name, at, epoch, actor_kind, actor_id, reason, transition_id, error_class,
    exit_code, signal, error_fingerprint, error_detail, cause
  from run_state
  union all
  select r.id, 0, r.workspace_id, 'SCHEDULED', 'Scheduled', r.created_at, 0, r.created_by_kind, r.created_by_id, 'created', null,
    null, null, null, null, null, null
  from flow_run r
  where not exists (select from run_state s where s.run_id = r.id and s.sequence = 0)
  union all
  select l.run_id, l.state_sequence - step.back, l.workspace_id, step.type, step.name, step.at, l.epoch, 'agent', a.agent_id,
    step.reason, step.transition_id, null, null, null, null, null, null
  from live_run l
  left join agent_session a on a.id = l.session_id
  cross join lateral (values
    (case l.state_type when 'RUNNING' then 1 else 0 end, 'PENDING', 'Pending', l.claimed_at, 'claimed', null),
    (0, 'RUNNING', 'Running', l.state_at, 'started', l.recent_transition_ids[1])
  ) as step (back, type, name, at, reason, transition_id)
  where l.claimed_at is not null and (step.type = 'PENDING' or l.state_type = 'RUNNING')
  union all
  select e.run_id, e.state_sequence - step.back, e.workspace_id, step.type, step.name, step.at, e.epoch, 'agent', e.agent_id,
    step.reason, step.transition_id, null, null, null, null, null, null
  from ended_run e
  cross join lateral (values
    (2, 'PENDING', 'Pending', e.claimed_at, 'claimed', null),
    (1, 'RUNNING', 'Running', e.started_at, 'started', e.recent_transition_ids[2]),
    (0, e.state_type, e.state_name, e.state_at, e.reason, e.recent_transition_ids[1])
  ) as step (back, type, name, at, reason, transition_id)
  where e.claimed_at is not null
    and not exists (select from run_state s where s.run_id = e.run_id and s.sequence = e.state_sequence - step.back);
grant select on run_history to downbeat_app;
