export { defineConfig } from "./deploy/define-config.ts";
export type { DeploymentConfig, DownbeatConfig, LimitConfig } from "./deploy/define-config.ts";
export { deploy } from "./deploy/deploy.ts";
export type { Deployed, DeployOptions } from "./deploy/deploy.ts";
export { artifact } from "./artifacts/artifact.ts";
export type {
  ArtifactOptions,
  ImageOptions,
  LinkOptions,
  TableOptions,
} from "./artifacts/artifact.ts";
export { metric } from "./artifacts/metric.ts";
export { progress } from "./artifacts/progress.ts";
export { captureConsole } from "./capture-console.ts";
export {
  NonRetriableError,
  ParameterError,
  ResultError,
  RunCancelled,
  TimeoutError,
  UpstreamFailed,
} from "./errors.ts";
export type { CacheOptions, PersistOptions } from "./cache/cache-options.ts";
export { byCode, byInputs, byKey, byRun } from "./cache/cache-policy.ts";
export type { CachePolicy, CallFacts } from "./cache/cache-policy.ts";
export { flow } from "./flow.ts";
export type { Flow, FlowOptions } from "./flow.ts";
export type { TaskFuture } from "./future.ts";
export { log } from "./log.ts";
export { unmapped } from "./map-arguments.ts";
export type { MapOptions, Unmapped } from "./map-arguments.ts";
export { pause, suspend } from "./pause.ts";
export type { PauseOptions } from "./pause.ts";
export { InputError } from "./pause-point.ts";
export type { BackgroundRun } from "./remote/background-task.ts";
export { pinoDestination } from "./pino-destination.ts";
export { remoteRun } from "./remote/remote-run.ts";
export type { RemoteRun, WaitOptions } from "./remote/remote-run.ts";
export type { RunStatus } from "./remote/remote-plane.ts";
export { runDeployment } from "./remote/run-deployment.ts";
export type { RunDeploymentOptions, TriggeredRun } from "./remote/run-deployment.ts";
export type { DeploymentName } from "./remote/trigger-terms.ts";
export { pruneResults } from "./results/prune-results.ts";
export type { PruneOptions } from "./results/prune-results.ts";
export { readResult } from "./results/read-result.ts";
export type { ReadResultOptions } from "./results/read-result.ts";
export { bytesSerializer, jsonSerializer } from "./results/serializer.ts";
export type { ResultSerializer } from "./results/serializer.ts";
export type { StoreOptions } from "./results/result-store.ts";
export { exponential } from "./retry-policy.ts";
export type { ExponentialDelay, RetryDelay, RetryOptions } from "./retry-policy.ts";
export { runContext } from "./run-context.ts";
export type { RunContext } from "./run-context.ts";
export type { RunWhen, TaskState, Upstream } from "./run-when.ts";
export type { FlowHooks, Hook, HookEvent, StateHooks, TaskHooks } from "./state-hooks.ts";
export { secret } from "./secret.ts";
export { serve } from "./serve/serve.ts";
export type { Servable, ServeFlowOptions, ServeOptions, Serving } from "./serve/serve.ts";
export { directoryStorage } from "./storage/directory-storage.ts";
export type { Pruned, ResultStorage, StorageLock } from "./storage/result-storage.ts";
export { s3Storage } from "./storage/s3-storage.ts";
export type { S3StorageOptions } from "./storage/s3-storage.ts";
export { task } from "./task.ts";
export type { CallOptions, TaskOptions } from "./task.ts";
export { threads } from "./threads/thread-runner.ts";
export type { ThreadRunner } from "./threads/thread-runner.ts";
export type { BackgroundTask, Task, TaskResult } from "./task-types.ts";
export { transaction } from "./transaction.ts";
export type { Transaction } from "./transaction.ts";
export type { CompletedCall, TransactionHooks } from "./transaction-scope.ts";
