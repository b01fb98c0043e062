import {
  DownbeatError,
  isErrorCode,
  type Deployment,
  type RunSpec,
  type StreamedOutcome,
} from "@downbeat/contract";
import type { CliContext } from "../context.ts";
import { interruptSignal } from "../interrupt.ts";
import { readLines } from "../parameters/read-lines.ts";
import { specMakerOf, type EachOptions, type SpecMaker } from "./spec-maker.ts";

/**
 * Makes a run for each line of a source, while it is being read, and prints its id. A line that does not fit the flow ends it:
 * the lines before it have been made by then, none after it. A run that the API refuses does not keep the others from being made.
 *
 * @throws {DownbeatError} what ended it; the code of the first refusal when some were refused
 */
export async function triggerEach(
  context: CliContext,
  deployment: Deployment,
  { each, ...options }: EachOptions & { readonly each: string },
): Promise<void> {
  const { client } = await context.connect();
  const tally = new Tally(context, deployment.flowName);
  const make = await specMakerOf(context, deployment, options);
  const specs = specsOf(each, make, tally);
  try {
    const signal = interruptSignal();
    for await (const outcome of client.stream("createRunStream", specs, { signal }))
      tally.note(outcome);
  } finally {
    tally.tell();
    // An interrupted command would go on waiting for its next line.
    if (each === "-") process.stdin.destroy();
  }
  tally.throwIfRefused();
}

// Lines that are there together are sealed side by side; those before one that does not fit still go.
async function* specsOf(source: string, make: SpecMaker, tally: Tally): AsyncGenerator<RunSpec> {
  for await (const lines of readLines(source)) {
    const made = await Promise.allSettled(lines.map(make));
    for (const [at, one] of made.entries()) {
      if (one.status === "rejected") throw one.reason;
      tally.isAsked(lines[at]?.number ?? 0);
      yield one.value;
    }
  }
}

/** Which lines were asked for, in order, and what became of them. */
class Tally {
  readonly #context: CliContext;
  readonly #flowName: string;
  /** Lines that have no answer yet. */
  readonly #asked: number[] = [];
  #made = 0;
  #refused = 0;
  #firstRefusal: string | undefined;

  constructor(context: CliContext, flowName: string) {
    this.#context = context;
    this.#flowName = flowName;
  }

  isAsked(line: number): void {
    this.#asked.push(line);
  }

  note({ runId, error }: StreamedOutcome): void {
    const { output } = this.#context;
    const line = this.#asked.shift() ?? 0;
    output.event({ line, runId, error }, runId ?? "");
    if (error === null) {
      this.#made += 1;
      return;
    }
    this.#refused += 1;
    this.#firstRefusal ??= error.code;
    if (!output.json) output.warn(`Line ${line}: ${error.message} [${error.code}]`);
  }

  tell(): void {
    const refused = this.#refused === 0 ? "" : `, ${this.#refused} refused`;
    const runs = `${this.#made} ${this.#made === 1 ? "run" : "runs"}`;
    this.#context.output.note(`Made ${runs} of ${this.#flowName}${refused}`);
  }

  throwIfRefused(): void {
    if (this.#firstRefusal === undefined) return;
    const code = isErrorCode(this.#firstRefusal) ? this.#firstRefusal : "internal";
    const message = `${this.#refused} of ${this.#made + this.#refused} runs were refused; the others are made.`;
    throw new DownbeatError(code, { message });
  }
}
