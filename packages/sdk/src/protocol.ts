/** What agents and the CLI need to find and drive flows; flows themselves import from the package's main entry. */
export { shownKey } from "./artifacts/shown.ts";
export { contentHash } from "./deploy/content-hash.ts";
export { deploymentSpec } from "./deploy/deployment-spec.ts";
export type { DeploymentSecrets } from "./deploy/deployment-spec.ts";
export { registerAll } from "./deploy/register-all.ts";
export { gitRevision } from "./deploy/git-revision.ts";
export { FLOW, flowDefinitionOf } from "./flow-definition.ts";
export type { FlowDefinition } from "./flow-definition.ts";
export { toErrorRecord } from "./error-record.ts";
export type { PausePoint } from "./pause-point.ts";
export { answerAll } from "./remote/answer-all.ts";
export { checkParameters } from "./remote/check-parameters.ts";
export { runStatusOf } from "./remote/run-status.ts";
export { TriggerMaker } from "./remote/trigger-maker.ts";
export type {
  ErrorRecord,
  FlowOutcome,
  FlowStateEvent,
  LogEvent,
  LogLevel,
  RunEvent,
  RunHost,
  RunIdentity,
  TaskRunEvent,
} from "./run-host.ts";
export { ReplayGuard } from "./serve/replay-guard.ts";
export { AwaitedInput } from "./session/awaited-input.ts";
export { ClaimLoop } from "./session/claim-loop.ts";
export { HeartbeatLoop } from "./session/heartbeat-loop.ts";
export type { Fence } from "./session/item-sealer.ts";
export { LogItems } from "./session/log-items.ts";
export { pause } from "./session/pause.ts";
export { readSigners } from "./session/read-signers.ts";
export { runningItem } from "./session/running-item.ts";
export { ShownItems } from "./session/shown-items.ts";
export { screenInputs, SignedInputs } from "./session/signed-inputs.ts";
export type { ScreenedInputs, StatedInput } from "./session/signed-inputs.ts";
export { EntrypointError, FlowLoader } from "./worker/load-flow.ts";
export type { Entrypoint } from "./worker/load-flow.ts";
export type * from "./worker/messages.ts";
