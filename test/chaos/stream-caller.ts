import { randomUUID } from "node:crypto";
import type { Client, StreamInput } from "@downbeat/client";
import { uuidv7 } from "uuidv7";

type Line = StreamInput<"createRunStream">;

export type StreamPlan = {
  readonly flowName: string;
  readonly lines: number;
  /** Most lines that are given without having been answered. With 1 each line waits for the answer to the one before. */
  readonly window: number;
  /** Whether the caller chooses the runs' ids, or gives idempotency keys. */
  readonly naming: "runId" | "idempotencyKey";
  /** A stream that is not over by then hangs. */
  readonly longestMs: number;
};

/** Creates runs by one stream, and keeps account of what it is told. */
export class StreamCaller {
  /** Ids of the runs in the order of their lines. */
  readonly runIds: string[] = [];
  readonly offences: string[] = [];
  readonly #client: Client;
  readonly #lines: readonly Line[];
  readonly #plan: StreamPlan;
  #answered = 0;
  #wake: () => void = () => {};

  constructor(client: Client, plan: StreamPlan) {
    const { flowName, lines, naming } = plan;
    this.#client = client;
    this.#plan = plan;
    this.#lines = Array.from({ length: lines }, () => ({
      flowName,
      ...(naming === "runId" ? { runId: uuidv7() } : { idempotencyKey: randomUUID() }),
    }));
  }

  /** Streams every line. Never rejects: what ends the stream early is an offence, as it is to resume by itself. */
  async stream(heard: () => Promise<void>): Promise<void> {
    await this.#ask(async (runId, at) => {
      this.runIds.push(runId);
      this.#expect(at, this.#lines[at]?.runId ?? runId, runId);
      await heard();
    });
    if (new Set(this.runIds).size < this.runIds.length)
      this.offences.push("two lines were answered with one run");
  }

  /** Streams every line once more: each has to be answered with the run that it made. */
  async streamAgain(): Promise<void> {
    this.#answered = 0;
    await this.#ask(async (runId, at) => this.#expect(at, this.runIds[at], runId));
  }

  async #ask(take: (runId: string, at: number) => Promise<void>): Promise<void> {
    const signal = AbortSignal.timeout(this.#plan.longestMs);
    const outcomes = this.#client.stream("createRunStream", this.#given(), { signal });
    try {
      for await (const { runId, error } of outcomes) {
        const at = this.#answered;
        if (error !== null) this.offences.push(`line ${at} was refused: ${error.code}`);
        this.#answered += 1;
        await take(runId ?? "", at);
        this.#wake();
      }
    } catch (error) {
      this.offences.push(`a stream ended: ${String(error)}`);
    }
    if (this.#answered !== this.#lines.length)
      this.offences.push(`${this.#answered} of ${this.#lines.length} lines were answered`);
  }

  async *#given(): AsyncGenerator<Line> {
    for (const [at, line] of this.#lines.entries()) {
      while (at - this.#answered >= this.#plan.window)
        await new Promise<void>((resolve) => (this.#wake = resolve));
      yield line;
    }
  }

  #expect(at: number, expected: string | undefined, runId: string): void {
    if (runId !== expected)
      this.offences.push(`line ${at} was answered with ${runId} instead of ${expected}`);
  }
}
