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
  /** These four are made when first needed: most runs log and show nothing. */
  #logsOpened: LogBuffer | undefined;
  #logItemsOpened: LogItems | undefined;
  #shownOpened: ShownBuffer | undefined;
  #shownItemsOpened: ShownItems | undefined;
  /** Whether lines that are sealed from now on are deflated first. */
  compressesLogs = true;
  #crashCall: CrashCall | undefined;
  /** Sealings and writes under way; the terminal report waits for them. */
  readonly #pending = new Set<Promise<unknown>>();
  #transitions: Promise<void> = Promise.resolve();
  #isClosed = false;
  readonly #before: { readonly logPlaces: number } | undefined;

  /** @param before Of a run that an agent before this one began: how many places in its log are taken. */
  constructor(parts: EgressParts, lease: Fence, before?: { readonly logPlaces: number }) {
    this.#parts = parts;
    this.#lease = lease;
    this.#before = before;
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
    this.#logsOpened?.flush();
    await Promise.all(this.#pending);
    await this.#putLast([await this.#transition(ending)], alongside);
    return call;
  }

  /** Ends the log of a run that has crashed. One that an agent before this one began stays without: its list is lost. */
  async endLog(): Promise<void> {
    await this.#close();
    if (this.#before === undefined) await this.#parts.outbox.put(await this.#logItems.end());
  }

  /** Says nothing more: the lease is void and every further report would be refused. */
  abandon(): void {
    this.#isClosed = true;
    this.#crashCall = undefined;
    this.#shownOpened?.close();
    this.#logsOpened?.flush();
  }

  async #close(): Promise<void> {
    this.#shownOpened?.close();
    this.#logsOpened?.close();
    this.#isClosed = true;
    if (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  async #lastItems(ending: Ending): Promise<ReportItem[]> {
    const hasLoggedNothing = this.#logItemsOpened?.isEmpty ?? this.#before === undefined;
    if (ending.type === "COMPLETED" && hasLoggedNothing) {
      const last = await this.#transition(ending);
      last.emptyLog = this.#parts.sealer.tagEmptyLog(this.#place());
      return [last];
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
    const { runId, epoch, leaseToken } = this.#lease;
    const { sealer } = this.#parts;
    const transitionId = randomUUID();
    const fence = { runId, epoch, leaseToken, transitionId };
    const item: TransitionItem = { kind: "transition", ...fence, type, name, reason, error: null };
    if (error !== undefined) item.error = await sealer.sealError(this.#place(), error);
    if (pause !== undefined) item.pause = pause;
    if (result !== undefined)
      item.result = await sealer.seal({ kind: "result", ...this.#place() }, result);
    return item;
  }

  get #logs(): LogBuffer {
    this.#logsOpened ??= new LogBuffer({
      onChunk: (lines) => this.#track(this.#putLogs(lines)),
      onLeftOut: (lines) => this.#logItems.leaveOut(lines),
      isHeldBack: () => this.#parts.outbox.isFull,
      now: this.#parts.now,
    });
    return this.#logsOpened;
  }

  get #logItems(): LogItems {
    this.#logItemsOpened ??= new LogItems({
      lease: this.#lease,
      sealer: this.#parts.sealer,
      onLost: (error) => this.#tellLost(error),
      placesBefore: this.#before?.logPlaces,
    });
    return this.#logItemsOpened;
  }

  get #shown(): ShownBuffer {
    this.#shownOpened ??= new ShownBuffer({
      onBatch: (events) => this.#track(this.#putShown(events)),
      isHeldBack: () => this.#parts.outbox.isFull,
      tell: (text) => this.line({ level: "warn", logger: "downbeat", text }),
    });
    return this.#shownOpened;
  }

  get #shownItems(): ShownItems {
    const from = this.#before && PAST_ALL_SHOWN;
    return (this.#shownItemsOpened ??= new ShownItems(this.#lease, this.#parts.sealer, from));
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
