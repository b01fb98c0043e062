import type {
  ReportItem,
  RunError,
  StateReasonCode,
  TaskRunItem,
  TransitionItem,
} from "@downbeat/contract";
import { artifactKeyTag, blindTag, errorFingerprint, sealJson, sealText } from "@downbeat/seal";
import { uuidv7 } from "uuidv7";
import type {
  ErrorRecord,
  FlowStateEvent,
  LogEvent,
  ResultPointer,
  RunEvent,
  ShownEvent,
  TaskRunEvent,
} from "../run-host.ts";
import type { PausePoint } from "../pause-point.ts";
import type { Fence, ItemSealer } from "../session/item-sealer.ts";
import { LogItems } from "../session/log-items.ts";
import { ShownItems } from "../session/shown-items.ts";
import type { RunOutcome } from "../worker/messages.ts";
import { fitErrorRecord } from "./fit-error-record.ts";
import type { Sealer } from "./recorder.ts";
import { warnOnce } from "./warn-once.ts";

// A sealed log may have 384 KiB and a sealed error 96 KiB of characters; base64 makes 4 of 3 bytes.
const LARGEST_CHUNK_BYTES = 256 * 1024;
const LARGEST_ERROR_BYTES = 64 * 1024;
// The sealed text of a rendered name may have 4 KiB.
const LONGEST_RENDERED_NAME = 512;

export type ReportItemsOptions = {
  readonly lease: Fence;
  readonly sealer: Pick<Sealer, "full">;
  /** Whether logs are deflated before they are sealed. */
  readonly compressLogs: boolean;
};

/** Turns the events of one run into sealed report items. */
export class ReportItems {
  readonly #lease: Fence;
  readonly #sealer: Pick<Sealer, "full">;
  readonly #compress: boolean;
  /** Undefined without the workspace key: nobody could read it. */
  readonly #log: LogItems | undefined;
  readonly #shown: ShownItems;

  constructor({ lease, sealer, compressLogs }: ReportItemsOptions) {
    this.#lease = lease;
    this.#sealer = sealer;
    this.#compress = compressLogs;
    const itemSealer = holdsKeys(sealer) ? itemSealerOf(sealer) : undefined;
    const onLost = (error: unknown) => warnOnce("log lines were left out", error);
    this.#log = itemSealer && new LogItems({ lease, sealer: itemSealer, onLost });
    this.#shown = new ShownItems(lease, itemSealer);
  }

  /** Of a task run, an artifact or a metric only the newest event counts; log lines that belong together become one chunk. */
  async of(events: readonly RunEvent[]): Promise<ReportItem[]> {
    const newest = new Map<string, TaskRunEvent>();
    const states: FlowStateEvent[] = [];
    const lines: LogEvent[] = [];
    const shown: ShownEvent[] = [];
    for (const event of events) {
      if (event.kind === "task_run") newest.set(event.taskRunId, event);
      else if (event.kind === "log") lines.push(event);
      else if (event.kind === "flow_state") states.push(event);
      else shown.push(event);
    }
    const items = await Promise.all([
      ...states.map((event) => this.#state(event)),
      ...[...newest.values()].map((event) => this.#taskRun(event)),
      ...this.#chunks(lines),
    ]);
    return [...items.flat(), ...(await this.#shown.of(shown))];
  }

  /** The flow waits for someone, in its process. */
  paused(pause: PausePoint, reason: StateReasonCode): TransitionItem {
    const item = this.#transition("PAUSED", "Paused", reason, null);
    return { ...item, pause: pause as TransitionItem["pause"] };
  }

  /** Log lines that will never be given to {@link of}. */
  leaveOut(lines: number): void {
    this.#log?.leaveOut(lines);
  }

  /**
   * The end of the log, and then that of the run.
   *
   * @param why default: what its state's name says
   */
  async end(outcome: RunOutcome, why?: StateReasonCode): Promise<ReportItem[]> {
    return [...(await this.endOfLog()), await this.#ending(outcome, why)];
  }

  /** The end of the log alone, of a run that has crashed. */
  async endOfLog(): Promise<ReportItem[]> {
    return (await this.#log?.end()) ?? [];
  }

  /** The process goes before the flow has ended. */
  async crash(error: ErrorRecord): Promise<TransitionItem> {
    return this.#transition("CRASHED", "Crashed", "process_exited", await this.#error(error));
  }

  async #ending(outcome: RunOutcome, why?: StateReasonCode): Promise<TransitionItem> {
    if (outcome.outcome === "suspended") {
      const item = this.#transition("PAUSED", "Suspended", why ?? "suspend_requested", null);
      return { ...item, pause: outcome.pause as TransitionItem["pause"] };
    }
    if (outcome.outcome === "completed") {
      const result = await this.#result(outcome.result);
      const item = this.#transition("COMPLETED", "Completed", "completed", null);
      return { ...item, ...(result !== null && { result }) };
    }
    if (outcome.outcome === "cancelled")
      return this.#transition("CANCELLED", "Cancelled", "cancelled", null);
    const reason = why ?? (outcome.stateName === "TimedOut" ? "timed_out" : "failed");
    return this.#transition("FAILED", outcome.stateName, reason, await this.#error(outcome.error));
  }

  async #state({ state, error }: FlowStateEvent): Promise<TransitionItem> {
    const reason = state.name === "Retrying" ? "retrying" : "started";
    return this.#transition(state.type, state.name, reason, await this.#error(error));
  }

  async #taskRun(event: TaskRunEvent): Promise<TaskRunItem> {
    const { taskRunId, taskName, index, sequence, state, attempt, startedAt, endedAt, upstream } =
      event;
    return {
      kind: "task_run",
      ...this.#fence(),
      taskRunId,
      taskName,
      index,
      sequence,
      attempt,
      ...state,
      startedAt: startedAt ?? null,
      endedAt: endedAt ?? null,
      upstream: [...upstream],
      renderedName: await this.#name(taskRunId, event.renderedName),
      error: await this.#error(event.error, taskRunId),
      result: await this.#result(event.result, taskRunId),
      cacheTag: await this.#cacheTag(event.cacheKey),
    };
  }

  async #name(
    task: string,
    renderedName: string | undefined,
  ): Promise<TaskRunItem["renderedName"]> {
    const { full } = this.#sealer;
    if (renderedName === undefined || full === undefined) return null;
    const { runId: run, epoch } = this.#lease;
    const text = renderedName.slice(0, LONGEST_RENDERED_NAME);
    return sealText(full.dataKey, { kind: "rendered-name", run, task, epoch }, text);
  }

  async #result(result: ResultPointer | undefined, task?: string): Promise<TaskRunItem["result"]> {
    const { full } = this.#sealer;
    if (result === undefined || full === undefined) return null;
    const { runId: run, epoch } = this.#lease;
    return sealJson(full.dataKey, { kind: "result", run, task, epoch }, result);
  }

  async #cacheTag(cacheKey: string | undefined): Promise<string | null> {
    const { full } = this.#sealer;
    if (cacheKey === undefined || full === undefined) return null;
    return blindTag(full.keyring, "cache-key", cacheKey);
  }

  #chunks(lines: readonly LogEvent[]): Promise<ReportItem[]>[] {
    const log = this.#log;
    if (log === undefined) return [];
    return chunksOf(lines).map((chunk) => log.of(chunk, { compress: this.#compress }));
  }

  async #error(error: ErrorRecord | undefined, task?: string): Promise<RunError | null> {
    if (error === undefined) return null;
    const inClear = { class: error.class, exitCode: null, signal: null };
    const { full } = this.#sealer;
    if (full === undefined) return { ...inClear, fingerprint: null, detail: null };
    const { runId: run, epoch } = this.#lease;
    const detail = fitErrorRecord(error, LARGEST_ERROR_BYTES);
    return {
      ...inClear,
      fingerprint: await errorFingerprint(full.keyring, error),
      detail: await sealJson(full.dataKey, { kind: "error", run, task, epoch }, detail),
    };
  }

  #transition(
    type: TransitionItem["type"],
    name: TransitionItem["name"],
    reason: StateReasonCode,
    error: RunError | null,
  ): TransitionItem {
    return {
      kind: "transition",
      ...this.#fence(),
      transitionId: uuidv7(),
      type,
      name,
      reason,
      error,
    };
  }

  #fence() {
    const { runId, epoch, leaseToken } = this.#lease;
    return { runId, epoch, leaseToken };
  }
}

type KeyHolder = { readonly full: NonNullable<Sealer["full"]> };

function holdsKeys(sealer: Pick<Sealer, "full">): sealer is KeyHolder {
  return sealer.full !== undefined;
}

/** Takes the keys anew each time: a process that serves renews them. */
function itemSealerOf(holder: KeyHolder): ItemSealer {
  return {
    seal: (context, value, options) => sealJson(holder.full.dataKey, context, value, options),
    tagArtifactKey: (run, key) => artifactKeyTag(holder.full.keyring, { run, key }),
  };
}

type Line = Omit<LogEvent, "kind">;

function chunksOf(events: readonly LogEvent[]): Line[][] {
  const chunks: Line[][] = [];
  let room = 0;
  for (const { kind: _, ...line } of events) {
    const bytes = Buffer.byteLength(JSON.stringify(line));
    if (bytes > room || chunks.length === 0) {
      chunks.push([]);
      room = LARGEST_CHUNK_BYTES;
    }
    chunks
      .at(-1)
      ?.push(
        bytes <= LARGEST_CHUNK_BYTES ? line : { ...line, fields: { omitted: `${bytes} bytes` } },
      );
    room -= bytes;
  }
  return chunks;
}
