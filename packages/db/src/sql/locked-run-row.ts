import type { RetryBudget } from "@downbeat/core";

/** The columns of a locked live run that moving it along needs. */
export type LockedRunRow = {
  run_id: string;
  workspace_id: string;
  state_type: string;
  state_name: string;
  state_sequence: number;
  epoch: number;
  lease_token: string | null;
  session_id: string | null;
  pool_id: string | null;
  retry: RetryBudget | null;
};
