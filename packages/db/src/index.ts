export { openDatabase, type Database, type DatabaseOptions } from "./open-database.ts";
export type {
  EngineTx,
  InWorkspace,
  OperatorTx,
  Tx,
  WorkspaceContext,
  WorkspaceTx,
} from "./transaction.ts";
export { sqlStateOf } from "./database-errors.ts";

export * from "./agents.ts";
export * from "./api-keys.ts";
export * from "./data-keys.ts";
export * from "./deployments.ts";
export * from "./flows.ts";
export type { Page, PageQuery } from "./page.ts";
export * from "./key-rotations.ts";
export * from "./limits.ts";
export { listMetrics } from "./metrics.ts";
export type { NewsChannel } from "./news-channel.ts";
export * from "./pools.ts";
export * from "./run-inputs.ts";
export * from "./runs.ts";
export {
  createOrganisation,
  createWorkspace,
  findWorkspaceByName,
  readWorkspace,
  setWorkspaceKey,
} from "./workspaces.ts";

export type { MovedRun } from "./engine-move.ts";
export * from "./sql/acquire-slots.ts";
export { standingAgents } from "./sql/standing-agents.ts";
export * from "./sql/add-run-partition.ts";
export { addUpRunTallies } from "./sql/add-up-run-tallies.ts";
export * from "./sql/append-log-chunks.ts";
export * from "./sql/append-log-manifests.ts";
export * from "./sql/apply-transitions.ts";
export type { ClaimedRuns } from "./sql/lease-rows.ts";
export { claimAlone } from "./sql/claim-alone.ts";
export * from "./sql/claim-runs.ts";
export * from "./sql/create-runs.ts";
export * from "./sql/create-standalone-run.ts";
export * from "./sql/insert-leased-run.ts";
export * from "./sql/insert-runs.ts";
export * from "./sql/complete-expected-runs.ts";
export { compactLiveRun } from "./sql/compact-live-run.ts";
export * from "./sql/count-dead-rows.ts";
export { databaseNow } from "./sql/database-now.ts";
export * from "./sql/delete-runs.ts";
export { dropRunPartition } from "./sql/drop-run-partition.ts";
export * from "./sql/empty-run-partition.ts";
export { endIdleTransactions } from "./sql/end-idle-transactions.ts";
export * from "./sql/end-sessions.ts";
export * from "./sql/find-descendants.ts";
export * from "./sql/find-run-ids.ts";
export * from "./sql/enforce-strategies.ts";
export type { ExpectedStep } from "./sql/expected-run.ts";
export { freeEndedSlots } from "./sql/free-ended-slots.ts";
export { forgetRunKeys } from "./sql/forget-run-keys.ts";
export * from "./sql/forget-agents.ts";
export { forgetSessions } from "./sql/forget-sessions.ts";
export * from "./sql/heartbeat.ts";
export { listArtifacts } from "./sql/list-artifacts.ts";
export { listTaskRuns } from "./sql/list-task-runs.ts";
export * from "./sql/list-run-partitions.ts";
export { lockRuns, type LockedRun } from "./sql/lock-runs.ts";
export * from "./sql/mark-late.ts";
export * from "./sql/open-session.ts";
export * from "./sql/new-run.ts";
export * from "./sql/pools-with-claimable-runs.ts";
export { readRun } from "./sql/read-run.ts";
export { listRuns, readRuns } from "./sql/read-runs.ts";
export { readRunDays } from "./sql/read-run-days.ts";
export { readFormerLeases } from "./sql/read-former-leases.ts";
export { readWaitingFacts } from "./sql/read-waiting-facts.ts";
export * from "./sql/release-runs.ts";
export * from "./sql/retry-runs.ts";
export { rewrapDataKeys } from "./sql/rewrap-data-keys.ts";
export { runStands } from "./sql/run-stands.ts";
export * from "./sql/settle-absent-runs.ts";
export * from "./sql/start-expected-runs.ts";
export * from "./sql/sweep-pauses.ts";
export * from "./sql/release-slots.ts";
export { shareHeldRun } from "./sql/share-held-run.ts";
export * from "./sql/sweep-sessions.ts";
export * from "./sql/upsert-artifacts.ts";
export * from "./sql/upsert-metrics.ts";
export * from "./sql/upsert-task-runs.ts";
