import type { MessagePort } from "node:worker_threads";
import type { RunEvent, RunIdentity } from "../run-host.ts";
import type { ThreadError } from "./thread-error.ts";
import type { SlotWish } from "./thread-slots.ts";

const MARK = "downbeat.thread.1";

/** What a thread is told: which call this is, and what to call the function with. */
export type ThreadCall = {
  readonly [MARK]: true;
  readonly args: readonly unknown[];
  /** Absent outside a flow. */
  readonly run: RunIdentity | undefined;
  readonly flowAttempt: number;
  readonly taskRunId: string;
  readonly index: number;
  readonly attempt: number;
  /** Tags that limits have; absent where no limits are known. */
  readonly limitedTags: readonly string[] | undefined;
  /** As the run has it; see RunScope. */
  readonly capturesConsole: boolean | undefined;
  /** The W3C `traceparent` of the task's span, or of what is around it; absent where there is none. */
  readonly traceparent: string | undefined;
  /** Takes the run's events and wishes for slots, and `null` after the last; answers the wishes. */
  readonly port: MessagePort;
};

export type ThreadMessage = RunEvent | SlotWish | null;

export type ThreadReply =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: ThreadError };

export function threadCall(call: Omit<ThreadCall, typeof MARK>): ThreadCall {
  return { [MARK]: true, ...call };
}

/** Whether a task was called by a thread, with this in place of its arguments. */
export function isThreadCall(value: unknown): value is ThreadCall {
  return typeof value === "object" && value !== null && MARK in value;
}
