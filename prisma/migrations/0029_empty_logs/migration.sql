-- That an attempt has logged nothing: the id of its data key and a tag of 32 bytes (docs/sealing.md, Logs). It takes the place of a
-- row of log_manifest, which most short runs would have for nothing else. It stands where the end of the attempt is told: in
-- run_state, or in ended_run for ordinary steps (docs/adr/0013).
alter table run_state add column empty_log text
  constraint run_state_empty_log_check check (empty_log ~ '^[0-9a-f-]{36}\.[A-Za-z0-9_-]{43}$');
alter table ended_run add column empty_log text
  constraint ended_run_empty_log_check check (empty_log ~ '^[0-9a-f-]{36}\.[A-Za-z0-9_-]{43}$');

create or replace view run_history with (security_invoker = true) as
  select run_id, sequence, workspace_id, type, name, at, epoch, actor_kind, actor_id, reason, transition_id, error_class,
    exit_code, signal, error_fingerprint, error_detail, cause, empty_log
  from run_state
  union all
  select r.id, 0, r.workspace_id, 'SCHEDULED', 'Scheduled', r.created_at, 0, r.created_by_kind, r.created_by_id, 'created', null,
    null, null, null, null, null, null, null
  from flow_run r
  where not exists (select from run_state s where s.run_id = r.id and s.sequence = 0)
  union all
  select l.run_id, l.state_sequence - step.back, l.workspace_id, step.type, step.name, step.at, l.epoch, 'agent', a.agent_id,
    step.reason, step.transition_id, null, null, null, null, null, null, null
  from live_run l
  left join agent_session a on a.id = l.session_id
  cross join lateral (values
    (case l.state_type when 'RUNNING' then 1 else 0 end, 'PENDING', 'Pending', l.claimed_at, 'claimed', null),
    (0, 'RUNNING', 'Running', l.state_at, 'started', l.recent_transition_ids[1])
  ) as step (back, type, name, at, reason, transition_id)
  where l.claimed_at is not null and (step.type = 'PENDING' or l.state_type = 'RUNNING')
  union all
  select e.run_id, e.state_sequence - step.back, e.workspace_id, step.type, step.name, step.at, e.epoch, 'agent', e.agent_id,
    step.reason, step.transition_id, null, null, null, null, null, null,
    case step.back when 0 then e.empty_log end
  from ended_run e
  cross join lateral (values
    (2, 'PENDING', 'Pending', e.claimed_at, 'claimed', null),
    (1, 'RUNNING', 'Running', e.started_at, 'started', e.recent_transition_ids[2]),
    (0, e.state_type, e.state_name, e.state_at, e.reason, e.recent_transition_ids[1])
  ) as step (back, type, name, at, reason, transition_id)
  where e.claimed_at is not null
    and not exists (select from run_state s where s.run_id = e.run_id and s.sequence = e.state_sequence - step.back);
