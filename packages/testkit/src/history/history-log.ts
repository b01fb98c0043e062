/** A transition as an agent proposed it. */
export type ReportedItem = {
  readonly runId: string;
  readonly epoch: number;
  readonly leaseToken: string;
  readonly transitionId: string;
  readonly type: string;
};

export type Fence = Pick<ReportedItem, "runId" | "epoch" | "leaseToken">;

/** What an operation is asked with and answered with, ids only. */
export type Operations = {
  trigger: [input: { key: string }, output: { runId: string }];
  cancel: [input: { runId: string }, output: { accepted: boolean }];
  retry: [input: { runId: string }, output: { accepted: boolean }];
  resume: [input: { runId: string; point: string }, output: { accepted: boolean }];
  open_session: [
    input: { agentId: string; endedSessionIds: readonly string[] },
    output: { sessionId: string },
  ];
  claim: [
    input: { sessionId: string; claimRequestId: string },
    output: { leases: readonly Fence[] },
  ];
  report: [input: { items: readonly ReportedItem[] }, output: { statuses: readonly string[] }];
  heartbeat: [
    input: { sessionId: string; runIds: readonly string[] },
    output: { cancel: readonly string[]; fenced: readonly string[] },
  ];
  release: [
    input: { sessionId: string; runIds: readonly string[]; endSession: boolean },
    output: { released: number },
  ];
  /** The plane begins or stops to answer. */
  plane: [input: { is: "up" | "down" }, output: null];
  /** What happens to an agent's process or its network. */
  process: [input: { is: "started" | "killed" | "paused" | "resumed" | "stopped" }, output: null];
};

export type OperationName = keyof Operations;

type Phases<Input, Output> =
  | { readonly phase: "invoke"; readonly input: Input }
  | { readonly phase: "ok"; readonly input: Input; readonly output: Output }
  /** Refused: it had no effect. */
  | { readonly phase: "fail"; readonly input: Input; readonly error: string }
  /** No answer came: it may have had its effect, or may still have it. */
  | { readonly phase: "unknown"; readonly input: Input };

/** One line of the log. `call` is the same for an operation's invoke and its end. */
export type HistoryEntry = {
  [Op in OperationName]: {
    readonly atMs: number;
    readonly actor: string;
    readonly call: number;
    readonly op: Op;
  } & Phases<Operations[Op][0], Operations[Op][1]>;
}[OperationName];

/** An operation that was answered. */
export type AnsweredEntry<Op extends OperationName> = Extract<
  HistoryEntry,
  { op: Op; phase: "ok" }
>;

/** The end of an operation under way; the first of the three counts. */
export type OpenCall<Op extends OperationName> = {
  readonly ok: (output: Operations[Op][1]) => void;
  readonly fail: (error: string) => void;
  readonly unknown: () => void;
};

/**
 * What clients and agents asked of the plane and what they were told, in the order in which it happened, for
 * {@link checkHistory}. Written by those who ask: the plane's own opinion is what is being checked.
 */
export class HistoryLog {
  readonly #nowMs: () => number;
  readonly #entries: HistoryEntry[] = [];
  #calls = 0;

  /** @param nowMs the clock that stamps the entries: the plane's, or one that agrees with it well enough. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get entries(): readonly HistoryEntry[] {
    return this.#entries;
  }

  /** Notes that an operation begins, and returns how to note its end. */
  invoke<Op extends OperationName>(actor: string, op: Op, input: Operations[Op][0]): OpenCall<Op> {
    const call = this.#calls++;
    let isOpen = true;
    this.#write({ actor, call, op, phase: "invoke", input });
    const end = (ending: object): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#write({ actor, call, op, input, ...ending });
    };
    return {
      ok: (output) => end({ phase: "ok", output }),
      fail: (error) => end({ phase: "fail", error }),
      unknown: () => end({ phase: "unknown" }),
    };
  }

  /** Notes something that simply happened. */
  event<Op extends "plane" | "process">(actor: string, op: Op, is: Operations[Op][0]["is"]): void {
    this.#write({ actor, call: this.#calls++, op, phase: "ok", input: { is }, output: null });
  }

  #write(entry: object): void {
    this.#entries.push({ atMs: this.#nowMs(), ...entry } as HistoryEntry);
  }
}

/** The answered calls of one operation, oldest first. */
export function answered<Op extends OperationName>(
  entries: readonly HistoryEntry[],
  op: Op,
): AnsweredEntry<Op>[] {
  return entries.filter(
    (entry): entry is AnsweredEntry<Op> => entry.op === op && entry.phase === "ok",
  );
}
