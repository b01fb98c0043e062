import type { FlowStateEvent, LogEvent, RunEvent, RunHost, TaskRunEvent } from "../run-host.ts";

/** A host that keeps what it is told. */
export class RecordingHost implements RunHost {
  readonly run: RunHost["run"];
  readonly controller = new AbortController();
  readonly events: RunEvent[] = [];

  constructor(flowName: string, attempt = 1) {
    this.run = { runId: "01890a5d-ac96-774b-bcce-b302099a8057", epoch: 1, flowName, attempt };
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  event(event: RunEvent): void {
    this.events.push(event);
  }

  get logs(): LogEvent[] {
    return this.events.filter((event) => event.kind === "log");
  }

  get flowStates(): FlowStateEvent[] {
    return this.events.filter((event) => event.kind === "flow_state");
  }

  taskRuns(taskName: string): TaskRunEvent[] {
    return this.events.filter(
      (event) => event.kind === "task_run" && event.taskName === taskName,
    ) as TaskRunEvent[];
  }

  /** `Running#1`, `AwaitingRetry#1`, …: the state names of a task with their attempts. */
  trail(taskName: string): string[] {
    return this.taskRuns(taskName).map((event) => `${event.state.name}#${event.attempt}`);
  }
}
