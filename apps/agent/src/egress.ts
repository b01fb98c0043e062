import { randomUUID } from "node:crypto";
import type {
  LogLine,
  PausePoint,
  ReportItem,
  StateReasonCode,
  TransitionItem,
} from "@downbeat/contract";
import { LogItems, ShownItems, type Fence } from "@downbeat/sdk/protocol";
import type { Logger } from "pino";
import type { CrashCall } from "./crash-call.ts";
import type { Journal } from "./journal.ts";
import { LogBuffer } from "./log-buffer.ts";
import type { WorkerEvent } from "./launchers/worker-message.ts";
import type { OutputStream } from "./launchers/worker-process.ts";
import type { Outbox } from "./outbox.ts";
import type { Ending } from "./run-end.ts";
import type { ObservedError, Sealer } from "./sealer.ts";
import { ShownBuffer, type ShownEvent } from "./shown-buffer.ts";
import { taskRunItem, type TaskRunEvent } from "./task-run-item.ts";
import type { StoreOperation } from "./store.ts";

export type EgressParts = {
  readonly outbox: Outbox;
  readonly journal: Journal;
  readonly sealer: Sealer;
  readonly logger: Logger;
  readonly now: () => Date;
};

type FlowStateEvent = Extract<WorkerEvent, { kind: "flow_state" }>;

// No attempt shows this many versions in four a second.
const PAST_ALL_SHOWN = 1_000_000_000;

/**
 * The only way out for what happens in a run: everything is sealed here and put into the outbox. The terminal report
 * goes last, in one atomic write with the journal's entry.
 */
export class RunEgress {
  readonly #parts: EgressParts;
  readonly #lease: Fence;
  readonly #logs: LogBuffer;
  readonly #logItems: LogItems;
  /** Whether lines that are sealed from now on are deflated first. */
  compressesLogs = true;
  #crashCall: CrashCall | undefined;
  readonly #shown: ShownBuffer;
  readonly #shownItems: ShownItems;
  /** Sealings and writes under way; the terminal report waits for them. */
  readonly #pending = new Set<Promise<unknown>>();
  #transitions: Promise<void> = Promise.resolve();
  #isClosed = false;
  readonly #wasBegunBefore: boolean;

  /** @param before Of a run that an agent before this one began: how many places in its log are taken. */
  constructor(parts: EgressParts, lease: Fence, before?: { readonly logPlaces: number }) {
    this.#parts = parts;
    this.#lease = lease;
    this.#wasBegunBefore = before !== undefined;
    const { sealer } = parts;
    this.#logItems = new LogItems({
      lease,
      sealer,
      onLost: (error) => this.#tellLost(error),
      placesBefore: before?.logPlaces,
    });
    this.#logs = new LogBuffer({
      onChunk: (lines) => this.#track(this.#putLogs(lines)),
      onLeftOut: (lines) => this.#logItems.leaveOut(lines),
      isHeldBack: () => parts.outbox.isFull,
      now: parts.now,
    });
    this.#shownItems = new ShownItems(lease, sealer, before && PAST_ALL_SHOWN);
    this.#shown = new ShownBuffer({
      onBatch: (events) => this.#track(this.#putShown(events)),
      isHeldBack: () => parts.outbox.isFull,
      tell: (text) => this.line({ level: "warn", logger: "downbeat", text }),
    });
  }

  /** Takes what a worker said in one go. Of a task run only the newest of these states travels: it would replace the others. */
  events(events: readonly WorkerEvent[]): void {
    if (this.#isClosed) return;
    const newest = new Map<string, TaskRunEvent>();
    for (const event of events) {
      if (event.kind !== "task_run") this.#event(event);
      else if (event.sequence >= (newest.get(event.taskRunId)?.sequence ?? 0))
        newest.set(event.taskRunId, event);
    }
    for (const event of newest.values()) this.#track(this.#putTaskRun(event));
  }

  #event(event: Exclude<WorkerEvent, TaskRunEvent>): void {
    if (event.kind === "flow_state") this.#putFlowState(event);
    else if (event.kind === "log") this.#logs.add(lineOf(event));
    else this.#shown.add(event);
  }

  /** A line the process printed. */
  printed(stream: OutputStream, text: string): void {
    this.line({ level: LEVELS[stream], logger: stream, text });
  }

  /** A line of the agent's own about the run. */
  line(line: Omit<LogLine, "at">): void {
    if (!this.#isClosed) this.#logs.add({ at: this.#parts.now().toISOString(), ...line });
  }

  /** Hooks are to be called should the run crash; kept for a successor as long as the run lasts. */
  hearsCrash(call: CrashCall): void {
    this.#crashCall = call;
    this.#track(this.#parts.journal.write(this.#remembered()));
  }

  /**
   * Puts the end of the log and then the last report, after all others. Resolves once they are on disk.
   *
   * @param alongside written in the same batch
   */
  async end(ending: Ending, alongside: readonly StoreOperation[] = []): Promise<void> {
    if (this.#isClosed) return;
    await this.#close();
    await this.#putLast(await this.#lastItems(ending), alongside);
  }

  /**
   * As {@link end}, but the log stays open for what the hooks of a crash say, until {@link endLog}.
   *
   * @returns what it takes to call them; undefined when there are none, and the log has ended.
   */
  async crash(
    ending: Ending,
    alongside: readonly StoreOperation[],
  ): Promise<CrashCall | undefined> {
    const call = this.#crashCall;
    if (call === undefined || this.#isClosed) {
      await this.end(ending, alongside);
      return undefined;
    }
    this.#logs.flush();
    await Promise.all(this.#pending);
    await this.#putLast([await this.#transition(ending)], alongside);
    return call;
  }

  /** Ends the log of a run that has crashed. One that an agent before this one began stays without: its list is lost. */
  async endLog(): Promise<void> {
    await this.#close();
    if (!this.#wasBegunBefore) await this.#parts.outbox.put(await this.#logItems.end());
  }

  /** Says nothing more: the lease is void and every further report would be refused. */
  abandon(): void {
    this.#isClosed = true;
    this.#crashCall = undefined;
    this.#shown.close();
    this.#logs.flush();
  }

  async #close(): Promise<void> {
    this.#shown.close();
    this.#logs.close();
    this.#isClosed = true;
    await Promise.all(this.#pending);
  }

  async #lastItems(ending: Ending): Promise<ReportItem[]> {
    if (ending.type === "COMPLETED" && this.#logItems.isEmpty) {
      const emptyLog = this.#parts.sealer.tagEmptyLog(this.#place());
      return [{ ...(await this.#transition(ending)), emptyLog }];
    }
    const [manifest, last] = await Promise.all([this.#logItems.end(), this.#transition(ending)]);
    return [...manifest, last];
  }

  async #putLast(
    items: readonly ReportItem[],
    alongside: readonly StoreOperation[],
  ): Promise<void> {
    this.#crashCall = undefined;
    const { outbox, journal } = this.#parts;
    await outbox.put(items, [journal.runEnded(this.#lease.runId), ...alongside]);
  }

  #remembered(): StoreOperation[] {
    const call = this.#crashCall;
    if (call === undefined) return [];
    return [
      this.#parts.journal.crashHeard(this.#lease, { call, logPlaces: this.#logItems.places }),
    ];
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#tellLost(error))
      .finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
  }

  #tellLost(error: unknown): void {
    const { runId } = this.#lease;
    this.#parts.logger.error({ runId, err: error }, "an item could not be sealed; it is dropped");
  }

  // One after another: these must arrive in the order in which they happened.
  #putFlowState(event: FlowStateEvent): void {
    const { name } = event.state;
    if (this.#crashCall !== undefined)
      this.#crashCall = { ...this.#crashCall, attempt: event.attempt };
    const reason = name === "Retrying" ? "retrying" : "started";
    const error =
      event.error === undefined ? {} : { error: { detail: event.error } as ObservedError };
    this.#transitions = this.#transitions.then(async () =>
      this.#parts.outbox.put([await this.#transition({ type: "RUNNING", name, reason, ...error })]),
    );
    this.#track(this.#transitions);
  }

  /** The flow waits in its process; in order with its other states. */
  paused(pause: PausePoint, reason: StateReasonCode): void {
    if (this.#isClosed) return;
    const state = { type: "PAUSED", name: "Paused", reason, pause } as const;
    this.#transitions = this.#transitions.then(async () =>
      this.#parts.outbox.put([await this.#transition(state)]),
    );
    this.#track(this.#transitions);
  }

  async #putTaskRun(event: TaskRunEvent): Promise<void> {
    const { outbox, sealer } = this.#parts;
    await outbox.put([await taskRunItem(event, this.#fence(), sealer)]);
  }

  async #putLogs(lines: readonly LogLine[]): Promise<void> {
    const items = await this.#logItems.of(lines, { compress: this.compressesLogs });
    if (items.length > 0) await this.#parts.outbox.put(items, this.#remembered());
  }

  async #putShown(events: readonly ShownEvent[]): Promise<void> {
    await this.#parts.outbox.put(await this.#shownItems.of(events));
  }

  async #transition(ending: Ending): Promise<TransitionItem> {
    const { type, name, reason, error, pause, result } = ending;
    const place = this.#place();
    return {
      kind: "transition",
      ...this.#fence(),
      transitionId: randomUUID(),
      type,
      name,
      reason,
      error: error === undefined ? null : await this.#parts.sealer.sealError(place, error),
      ...(pause !== undefined && { pause }),
      ...(result !== undefined && {
        result: await this.#parts.sealer.seal({ kind: "result", ...place }, result),
      }),
    };
  }

  #place(): { run: string; epoch: number } {
    return { run: this.#lease.runId, epoch: this.#lease.epoch };
  }

  #fence(): Fence {
    const { runId, epoch, leaseToken } = this.#lease;
    return { runId, epoch, leaseToken };
  }
}

const LEVELS: Record<OutputStream, "info" | "error"> = { stdout: "info", stderr: "error" };

function lineOf(event: Extract<WorkerEvent, { kind: "log" }>): LogLine {
  const { at, level, logger, text, fields, taskRunId } = event;
  return {
    at,
    level,
    logger,
    text,
    ...(fields !== undefined && { fields }),
    ...(taskRunId !== undefined && { taskRunId }),
  };
}
