import type { PausePoint, RunInput, StateReasonCode } from "@downbeat/contract";
import {
  isNobodys,
  UNSIGNED,
  type RefusedInput,
  type ScreenedInputs,
  type SignedInputs,
} from "./signed-inputs.ts";

/** What matters here of the pause point at which a flow waits. */
export type AwaitedPoint = Pick<PausePoint, "key" | "onTimeout" | "timeoutSeconds">;

export type AwaitedInputOptions<Point extends AwaitedPoint> = {
  readonly runId: string;
  /** Undefined: whatever is given counts. */
  readonly signedInputs: Pick<SignedInputs, "refusalOf"> | undefined;
  /** Reports that the flow waits. */
  readonly report: (point: Point, reason: StateReasonCode) => void;
  /** A line for the run's log. */
  readonly tell: (text: string) => void;
  /** Monotonic milliseconds. */
  readonly nowMs?: () => number;
};

type Awaited<Point> = { readonly point: Point; readonly sinceMs: number };

// Two clocks count the same time.
const SLACK_MS = 1_000;

/** The pause point at which a run's process waits, and which of what it is given counts there. */
export class AwaitedInput<Point extends AwaitedPoint> {
  readonly #options: AwaitedInputOptions<Point>;
  readonly #nowMs: () => number;
  /** What was refused last, by key: when it was given. */
  readonly #refused = new Map<string, number>();
  /** Points that nobody answered, of which the flow has yet to say whether it goes on without input. */
  #lapsed: ScreenedInputs["lapsed"] = [];
  #awaited: Awaited<Point> | undefined;

  constructor(options: AwaitedInputOptions<Point>) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  get key(): string | undefined {
    return this.#awaited?.point.key;
  }

  /** What of the inputs that came with the lease the flow is not handed. */
  screened({ lapsed, refused }: Omit<ScreenedInputs, "counted">): void {
    this.#lapsed = lapsed;
    for (const one of refused) this.#refuse(one);
  }

  /** The flow waits at this point from now on. */
  paused(point: Point): void {
    this.#awaited = { point, sinceMs: this.#nowMs() };
    this.#options.report(point, this.reasonAt(point.key, "pause_requested"));
  }

  /** Why it waits there: for want of an input that counts, or for the usual reason. */
  reasonAt(key: string, usual: StateReasonCode): StateReasonCode {
    // The flow waits: without an answer it does not go on here.
    const lapsed = this.#lapsed.find((given) => given.key === key);
    if (lapsed !== undefined && !this.#refused.has(key)) this.#refuse({ ...lapsed, why: UNSIGNED });
    return this.#refused.has(key) ? "input_refused" : usual;
  }

  /** Whether the flow is to be handed this. What was heard before is not, and what is refused leaves it waiting. */
  async take(given: RunInput): Promise<boolean> {
    const awaited = this.#awaited;
    if (awaited?.point.key !== given.key || this.#isOld(given)) return false;
    this.#awaited = undefined;
    const why = await this.#refusalOf(given, awaited);
    if (why === undefined) return true;
    this.#refuse({ ...given, why });
    if (this.#awaited !== undefined) return false; // it has left this point for another
    this.#awaited = awaited;
    this.#options.report(this.#withTimeLeft(awaited), "input_refused");
    return false;
  }

  /** Tells the log that an input does not count. */
  #refuse({ key, givenAt, why }: RefusedInput): void {
    this.#refused.set(key, Date.parse(givenAt));
    this.#options.tell(
      `What was given to the pause point "${key}" does not count. ${why} The run waits for it to be given again, signed.`,
    );
  }

  #isOld({ key, givenAt }: RunInput): boolean {
    return this.#refused.get(key) === Date.parse(givenAt);
  }

  async #refusalOf(given: RunInput, awaited: Awaited<Point>): Promise<string | undefined> {
    const { runId, signedInputs } = this.#options;
    if (isNobodys(given) && this.#isOverdue(awaited)) return undefined;
    return signedInputs?.refusalOf(runId, given);
  }

  /** Whether the flow itself goes on without input by now; the plane's word is not needed for that. */
  #isOverdue({ point: { onTimeout, timeoutSeconds }, sinceMs }: Awaited<Point>): boolean {
    if (onTimeout !== "resume" || timeoutSeconds === null) return false;
    return this.#nowMs() - sinceMs >= timeoutSeconds * 1000 - SLACK_MS;
  }

  #withTimeLeft({ point, sinceMs }: Awaited<Point>): Point {
    if (point.timeoutSeconds === null) return point;
    const leftMs = point.timeoutSeconds * 1000 - (this.#nowMs() - sinceMs);
    return { ...point, timeoutSeconds: Math.max(1, Math.ceil(leftMs / 1000)) };
  }
}
