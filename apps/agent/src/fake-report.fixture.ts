import {
  isTerminal,
  STATE_NAMES,
  type Lease,
  type LogItem,
  type LogManifestPart,
  type ReportItem,
  type ReportOutcome,
  type ArtifactItem,
  type MetricItem,
  type StateName,
  type StateType,
  type TaskRunItem,
  type TransitionItem,
} from "@downbeat/contract";

/** A run as the fake plane keeps it. */
export type FakeRun = {
  readonly lease: Lease;
  type: StateType;
  name: StateName;
  readonly transitions: TransitionItem[];
  readonly taskRuns: TaskRunItem[];
  readonly logs: LogItem[];
  readonly manifests: LogManifestPart[];
  readonly shown: (ArtifactItem | MetricItem)[];
};

/** A run that nobody has taken yet. */
export function emptyRun(): Omit<FakeRun, "lease"> {
  return {
    type: "SCHEDULED",
    name: "Scheduled",
    transitions: [],
    taskRuns: [],
    logs: [],
    manifests: [],
    shown: [],
  };
}

/** Answers one report item as the plane does: fenced by epoch and token, transitions idempotent and never out of a terminal state. */
export function applyReport(
  run: FakeRun | undefined,
  item: ReportItem,
  onAccepted: (item: TransitionItem) => void,
): ReportOutcome {
  const fits = run?.lease.epoch === item.epoch && run.lease.leaseToken === item.leaseToken;
  if (run === undefined || !fits) return outcome("fenced");
  if (item.kind === "task_run") run.taskRuns.push(item);
  else if (item.kind === "log") takeChunk(run, item);
  else if (item.kind === "log_manifest") run.manifests.push(item);
  else if (item.kind === "transition") return applyTransition(run, item, onAccepted);
  else run.shown.push(item);
  return outcome("accepted");
}

function applyTransition(
  run: FakeRun,
  item: TransitionItem,
  onAccepted: (item: TransitionItem) => void,
): ReportOutcome {
  const state = { type: run.type, name: run.name, at: new Date().toISOString() };
  if (run.transitions.some(({ transitionId }) => transitionId === item.transitionId)) {
    return { ...outcome("accepted"), state };
  }
  const names: readonly StateName[] = STATE_NAMES[item.type];
  const isRefused =
    isTerminal(run.type) ||
    (run.type === "CANCELLING" && !isTerminal(item.type)) ||
    !names.includes(item.name);
  if (isRefused) return { ...outcome("rejected"), state };
  run.transitions.push(item);
  const { epoch, emptyLog } = item;
  if (emptyLog !== undefined) run.manifests.push({ epoch, part: 0, manifest: null, emptyLog });
  onAccepted(item);
  [run.type, run.name] = [item.type, item.name];
  return { ...outcome("accepted"), state: { ...state, type: item.type, name: item.name } };
}

function outcome(status: ReportOutcome["status"]): ReportOutcome {
  return { status, state: null, waitSeconds: null };
}

// As the plane does: an agent that was killed before it noted the answer sends a chunk again.
function takeChunk({ logs }: FakeRun, chunk: LogItem): void {
  const isThere = logs.some(
    ({ epoch, sequence }) => epoch === chunk.epoch && sequence === chunk.sequence,
  );
  if (!isThere) logs.push(chunk);
}
