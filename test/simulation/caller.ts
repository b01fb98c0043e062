import { fullJitterMs, type RetryPolicy } from "@downbeat/contract";
import type { HistoryLog } from "@downbeat/testkit/history";
import type { Network } from "./network.ts";
import type { Random } from "./random.ts";
import type { Scripts } from "./scripts.ts";
import type { Resume } from "./store.ts";
import type { Timeline } from "./timeline.ts";

type CallerParts = {
  readonly timeline: Timeline;
  readonly network: Network;
  readonly random: Random;
  readonly log: HistoryLog;
  readonly scripts: Scripts;
};

type Trigger = {
  readonly key: string;
  readonly scheduledForMs: number;
  readonly policy: RetryPolicy | null;
  readonly queueName: string;
  readonly willCancel: boolean;
  readonly willRetry: boolean;
  /** Whether somebody answers where it waits. */
  readonly willAnswer: boolean;
};

const NAME = "client-1";
const TIMEOUT_MS = 10_000;
const BACKOFF = { firstMs: 200, maxMs: 10_000 };
const LONGEST_CHANGE_OF_MIND_MS = 120_000;
const LONGEST_LOOK_MS = 60_000;
const MOST_LOOKS = 8;

/** Triggers runs under an idempotency key until it is told their ids, and cancels, resumes and retries some of them. */
export class Caller {
  readonly #parts: CallerParts;
  #unanswered = 0;

  constructor(parts: CallerParts) {
    this.#parts = parts;
  }

  /** Triggers that nobody has acknowledged yet. */
  get unanswered(): number {
    return this.#unanswered;
  }

  trigger(run: Trigger): void {
    this.#unanswered += 1;
    this.#tryTrigger(run, 0);
  }

  #tryTrigger(run: Trigger, failures: number): void {
    const { log, network, timeline, random } = this.#parts;
    const call = log.invoke(NAME, "trigger", { key: run.key });
    const { key, scheduledForMs: delayMs, policy, queueName } = run;
    const input = { key, delayMs, policy, queueName };
    network.call({
      from: NAME,
      op: "trigger",
      input,
      timeoutMs: TIMEOUT_MS,
      done: (ending) => {
        if (!("ok" in ending)) {
          call.unknown();
          return this.#again(failures, () => this.#tryTrigger(run, failures + 1));
        }
        call.ok(ending.ok);
        this.#unanswered -= 1;
        const { runId } = ending.ok;
        const thinkMs = random.between(0, LONGEST_CHANGE_OF_MIND_MS);
        if (run.willCancel) timeline.after(thinkMs, () => this.#ask("cancel", runId, 0));
        // Whoever looks again later starts what has ended once more, however it ended.
        if (run.willAnswer) this.#answerAll(runId);
        if (run.willRetry) timeline.after(3 * thinkMs, () => this.#ask("retry", runId, 0));
      },
    });
  }

  #answerAll(runId: string): void {
    const { timeline, random, scripts } = this.#parts;
    for (const { point } of scripts.of(runId)) {
      const thinkMs = random.between(0, LONGEST_CHANGE_OF_MIND_MS);
      timeline.after(thinkMs, () => this.#resume({ runId, point: point.key }, MOST_LOOKS));
    }
  }

  /** Looks now and then whether the run waits there, and answers if it does. */
  #resume(asked: Resume, looksLeft: number): void {
    const { log, network, timeline, random } = this.#parts;
    const call = log.invoke(NAME, "resume", asked);
    network.call({
      from: NAME,
      op: "resume",
      input: asked,
      timeoutMs: TIMEOUT_MS,
      done: (ending) => {
        if ("ok" in ending) call.ok(ending.ok);
        else call.unknown();
        if (looksLeft === 0 || ("ok" in ending && ending.ok.accepted)) return;
        const pauseMs = random.between(200, LONGEST_LOOK_MS);
        timeline.after(pauseMs, () => this.#resume(asked, looksLeft - 1));
      },
    });
  }

  #ask(op: "cancel" | "retry", runId: string, failures: number): void {
    const { log, network } = this.#parts;
    const call = log.invoke(NAME, op, { runId });
    network.call({
      from: NAME,
      op,
      input: { runId },
      timeoutMs: TIMEOUT_MS,
      done: (ending) => {
        if ("ok" in ending) return call.ok(ending.ok);
        call.unknown();
        this.#again(failures, () => this.#ask(op, runId, failures + 1));
      },
    });
  }

  #again(failures: number, act: () => void): void {
    const { timeline, random } = this.#parts;
    timeline.after(1 + fullJitterMs(BACKOFF, failures, () => random.unit()), act);
  }
}
