/** Runs flows and tasks in unit tests, with time that passes at once. Works under any test runner. */
export type { ArtifactEvent, ErrorRecord, LogEvent, RunEvent } from "../run-host.ts";
export { testFlow } from "./test-flow.ts";
export type { FlowReport, TestFlowOptions } from "./test-flow.ts";
export type { TaskRunReport } from "./task-run-report.ts";
export { NothingLeftToHappen } from "./virtual-clock.ts";
export type { ClockOptions } from "./virtual-clock.ts";
export { withVirtualTime } from "./with-virtual-time.ts";
