import { z } from "zod";
import { plain } from "./boundary.ts";

/**
 * Why a state was entered. Codes, never free text: free text could carry customer data. The words come from here, for
 * the API, the CLI, the page and `docs/states.md` alike.
 */
export const STATE_REASONS = {
  created: "Created.",
  claimed: "An agent took the run.",
  started: "User code started.",
  completed: "The flow returned.",
  failed: "The flow threw an error.",
  parameters_invalid: "The agent refused the parameters: they do not fit the flow's schema.",
  parameters_unreadable: "The agent could not open the sealed parameters with its key.",
  entrypoint_invalid: "The agent found no such flow in its project directory.",
  signature_refused:
    "The agent runs only signed work, and this run or its deployment is not signed by a key it lists.",
  timed_out: "The flow ran longer than its timeout and was stopped.",
  never_settled: "The flow can never finish: it waits for something that nothing will resolve.",
  retrying: "The flow failed and is tried again in the same process.",
  process_exited: "The process that ran the flow exited before the flow finished.",
  process_killed: "The process that ran the flow was killed by a signal.",
  lease_ended: "The lease of an exclusive flow was not renewed in time, so its agent killed it.",
  out_of_memory: "The process that ran the flow ran out of memory.",
  launch_failed: "The agent could not start a process for the flow.",
  cancel_requested: "Someone asked to cancel the run.",
  cancelled: "The agent stopped the run as asked.",
  cancelled_before_start: "Cancelled before it started.",
  cancel_deadline:
    "The agent did not confirm the cancellation in time; the run is closed and its lease is void.",
  released: "The agent gave the run back unstarted.",
  late: "Nobody took the run at its time.",
  unreachable: "The agent has not been heard of for longer than its lease.",
  reconnected: "The agent is back within the reconnect window.",
  agent_lost: "The agent did not come back within the reconnect window.",
  awaiting_slot: "The run waits for a free slot of a limit.",
  limit_cancelled_new: "The deployment's limit was full, and its strategy is to cancel new runs.",
  limit_cancelled_running:
    "A newer run took the place: the deployment's strategy is to cancel running ones.",
  agent_restarted: "The agent restarted; the process that ran the flow is gone.",
  abandoned: "The agent does not know of the run any more.",
  retry_scheduled: "The attempt ended badly and the retry policy starts another.",
  retry_requested: "Someone asked to run it again.",
  retry_from_failed_requested: "Someone asked to run it again with the results it has kept.",
  operator_set: "An operator declared the run to be in this state.",
  cancelled_while_waiting: "Cancelled while it waited for its next attempt.",
  pause_requested: "The flow waits for input.",
  suspend_requested: "The flow waits for input; its process has ended.",
  input_refused:
    "The agent runs only signed work, and refused what was given: no key that it lists has signed it. The run goes on waiting.",
  resumed: "Someone resumed the run.",
  pause_timed_out: "Nobody resumed the run in time.",
  resumed_by_timeout: "Nobody resumed the run in time, so it goes on without input.",
  parent_cancelled: "The run that triggered it was cancelled.",
} as const;

export type StateReasonCode = keyof typeof STATE_REASONS;
export const StateReason = plain(
  z.enum(Object.keys(STATE_REASONS) as [StateReasonCode, ...StateReasonCode[]]),
);
