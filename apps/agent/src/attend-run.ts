import type { Lease, PausePoint } from "@downbeat/contract";
import type { RunMessage } from "@downbeat/sdk/protocol";
import type { Logger } from "pino";
import { crashCallOf } from "./crash-call.ts";
import type { RunEgress } from "./egress.ts";
import type { RunListener, WorkerProcess } from "./launchers/worker-process.ts";
import { RunChildren, type ChildParts } from "./run-children.ts";
import type { RunDeadline } from "./run-deadline.ts";
import { RunSlots, type SlotParts } from "./run-slots.ts";

export type AttendParts = SlotParts & ChildParts & { readonly logger: Logger };

export type AttendedRun = {
  readonly lease: Lease;
  readonly message: RunMessage;
  readonly worker: WorkerProcess;
  readonly egress: RunEgress;
  readonly deadline: RunDeadline;
  readonly onBegun: () => void;
  readonly onPaused: (point: PausePoint) => void;
};

export type Attendance = {
  readonly listener: RunListener;
  /** Whether the process printed something meanwhile. */
  readonly hasPrinted: () => boolean;
  /** The run is over, here at least. */
  readonly close: () => void;
};

/** Hears what a run does in its process, hands it on, and answers what its code asks for. */
export function attendRun(parts: AttendParts, run: AttendedRun): Attendance {
  const { lease, worker, egress, deadline, onBegun, onPaused } = run;
  const { runId } = lease;
  // Made when first asked for: most runs ask for neither.
  let slots: RunSlots | undefined;
  const slotsOf = (): RunSlots =>
    (slots ??= new RunSlots(parts, {
      lease,
      grant: (requestId) => worker.grantSlots(runId, requestId),
      tell: (text) => egress.line({ level: "warn", logger: "downbeat", text }),
    }));
  let children: RunChildren | undefined;
  const childrenOf = (): RunChildren =>
    (children ??= new RunChildren(parts, {
      lease,
      answer: (requestId, answer) => worker.answerRemote({ runId, requestId, ...answer }),
    }));
  let hasPrinted = false;
  const listener: RunListener = {
    begun: onBegun,
    started: ({ timeoutMs, compressLogs, hearsCrash }) => {
      deadline.started(timeoutMs);
      egress.compressesLogs = compressLogs !== false;
      if (hearsCrash === true) egress.hearsCrash(crashCallOf(run.message));
    },
    paused: onPaused,
    events: (events, refused) => {
      deadline.heard(events);
      egress.events(events);
      if (refused > 0)
        parts.logger.warn({ runId, refused }, "a worker sent events that do not fit");
    },
    acquireSlots: (request) => void slotsOf().acquire(request),
    releaseSlots: (requestId) => void slotsOf().release(requestId),
    remoteCall: (request) => void childrenOf().handle(request),
    line: (stream, text) => {
      hasPrinted = true;
      egress.printed(stream, text);
    },
  };
  const close = (): void => {
    deadline.stop();
    slots?.close();
    children?.close();
  };
  return { listener, hasPrinted: () => hasPrinted, close };
}
