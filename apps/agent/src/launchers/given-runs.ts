import type { GivenAhead, RunMessage } from "@downbeat/sdk/protocol";
import type { WorkerOutcome } from "./worker-message.ts";
import type { ProcessExit, RunEnd, RunListener } from "./worker-process.ts";

export type GivenRun = {
  readonly runId: string;
  readonly listener: RunListener;
  readonly resolve: (end: RunEnd) => void;
  readonly series: number;
  /** Until when it may begin; undefined: it has. */
  beginByMs: number | undefined;
  /** What the worker said of its end. */
  outcome: { readonly outcome: WorkerOutcome; readonly tookMs: number } | undefined;
};

type Given = Pick<GivenRun, "runId" | "listener" | "resolve">;

export type GivenRunsOptions = {
  /** On the monotonic clock that all processes of a machine share. */
  readonly nowMs: () => number;
  /** A run given ahead that has not begun by then comes back: the one before it takes longer than expected. */
  readonly beginWithinMs: number;
};

// The worker tells before that time that a run begins, so once this has passed too it is known here.
const HEARD_WITHIN_MS = 20;

/** The runs that a worker process has been given, in order: the first has begun, the others were given ahead. */
export class GivenRuns {
  readonly #options: GivenRunsOptions;
  #runs: GivenRun[] = [];
  #series = 0;
  #check: NodeJS.Timeout | undefined;

  constructor(options: GivenRunsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#runs.length;
  }

  /** The one that has begun last. */
  get newest(): GivenRun | undefined {
    return this.#runs.findLast(({ beginByMs }) => beginByMs === undefined);
  }

  find(runId: string): GivenRun | undefined {
    return this.#runs.find((run) => run.runId === runId);
  }

  has(run: GivenRun): boolean {
    return this.#runs.includes(run);
  }

  /** Adds a run; one that is given ahead begins later. @returns what the worker must know of that */
  add({ runId, listener, resolve }: Given): Required<Pick<RunMessage, "series">> & {
    readonly beginByMs: number | undefined;
  } {
    const { nowMs, beginWithinMs } = this.#options;
    const beginByMs = this.#runs.length === 0 ? undefined : nowMs() + beginWithinMs;
    const series = this.#series;
    this.#runs.push({ runId, listener, resolve, series, beginByMs, outcome: undefined });
    if (beginByMs === undefined) listener.begun?.();
    else this.#check ??= setTimeout(() => this.#checkLate(), beginWithinMs + HEARD_WITHIN_MS);
    return { series, beginByMs };
  }

  /** The worker says that it begins; one that was taken back meanwhile will not. */
  begins({ runId, series }: GivenAhead): void {
    const run = this.find(runId);
    if (run?.beginByMs === undefined || run.series !== series) return;
    run.beginByMs = undefined;
    run.listener.begun?.();
  }

  end(run: GivenRun, end: RunEnd): void {
    // A new list: whoever goes through it may end runs.
    this.#runs = this.#runs.filter((other) => other !== run);
    run.resolve(end);
  }

  /** The worker begins no more of them, nor the one that it said came too late. */
  seriesEnded({ series, late }: { series: number; late?: string | undefined }): void {
    const run = late === undefined ? undefined : this.find(late);
    if (run?.series === series) this.end(run, { kind: "returned" });
    if (series === this.#series) this.#takeBack();
  }

  /** The process is gone: what had begun ended with it, unless it had ended before; the rest never began. */
  exited(exit: ProcessExit): void {
    clearTimeout(this.#check);
    this.#takeBack();
    for (const run of this.#runs)
      this.end(
        run,
        run.outcome ? { kind: "finished", ...run.outcome } : { kind: "exited", ...exit },
      );
  }

  #takeBack(): void {
    this.#series += 1;
    for (const run of this.#runs)
      if (run.beginByMs !== undefined) this.end(run, { kind: "returned" });
  }

  #checkLate(): void {
    const { nowMs } = this.#options;
    const lateBeforeMs = nowMs() - HEARD_WITHIN_MS;
    // By then everything is read that the worker wrote before now.
    setImmediate(() =>
      setImmediate(() => {
        this.#check = undefined;
        const waiting = this.#runs.flatMap(({ beginByMs }) => beginByMs ?? []);
        const [oldestMs] = waiting;
        if (oldestMs === undefined) return;
        if (oldestMs < lateBeforeMs) return this.#takeBack();
        const inMs = oldestMs + HEARD_WITHIN_MS - nowMs();
        this.#check = setTimeout(() => this.#checkLate(), Math.max(1, inMs));
      }),
    );
  }
}
