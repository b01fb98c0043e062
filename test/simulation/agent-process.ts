import { fullJitterMs } from "@downbeat/contract";
import type { HistoryLog, OpenCall, Operations } from "@downbeat/testkit/history";
import type { AgentDisk } from "./agent-disk.ts";
import type { Mutations } from "./mutation.ts";
import type { Ending, Network } from "./network.ts";
import type { Asked, Protocol } from "./plane.ts";
import type { Random } from "./random.ts";
import type { Scripts } from "./scripts.ts";
import type { Cancel, Timeline } from "./timeline.ts";

export type AgentWorld = {
  readonly name: string;
  readonly timeline: Timeline;
  readonly network: Network;
  readonly random: Random;
  readonly log: HistoryLog;
  readonly disk: AgentDisk;
  readonly mutations: Mutations;
  readonly scripts: Scripts;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly concurrency: number;
  readonly prefetch: number;
};

const NETWORK_BACKOFF = { firstMs: 200, maxMs: 30_000 };

/** The operations as the history knows them: what is asked and answered, ids only. */
export type Logged<Op extends Asked> = {
  readonly input: Operations[Op][0];
  readonly toOutput: (answer: Protocol[Op][1]) => Operations[Op][1];
};

/**
 * One life of an agent's process: whatever it planned dies with it, and waits while it is stopped by a signal. Its
 * callbacks never run after {@link AgentProcess.kill}.
 */
export class AgentProcess {
  readonly world: AgentWorld;
  readonly #openCalls = new Set<{ unknown: () => void }>();
  readonly #hangUps = new Set<() => void>();
  #isDead = false;
  #isPaused = false;
  #postponed: (() => void)[] = [];

  constructor(world: AgentWorld) {
    this.world = world;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  kill(): void {
    this.#isDead = true;
    this.#postponed = [];
    for (const call of this.#openCalls) call.unknown();
    for (const hangUp of this.#hangUps) hangUp();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (const act of this.#postponed.splice(0)) this.#run(act);
  }

  after(delayMs: number, act: () => void): Cancel {
    return this.world.timeline.after(delayMs, () => this.#run(act));
  }

  /** Waits with full jitter before another try. */
  backOff(failures: number, act: () => void, maxMs = NETWORK_BACKOFF.maxMs): Cancel {
    const policy = { ...NETWORK_BACKOFF, maxMs };
    return this.after(1 + fullJitterMs(policy, failures, () => this.world.random.unit()), act);
  }

  /** Asks the plane, and writes both into the history. Returns how to hang up. */
  ask<Op extends Asked>(
    asked: { op: Op; input: Protocol[Op][0]; timeoutMs: number; logged: Logged<Op> },
    done: (ending: Ending<Op>) => void,
  ): () => void {
    const { network, log, name } = this.world;
    const { op, input, timeoutMs, logged } = asked;
    const call: OpenCall<Op> = log.invoke(name, op, logged.input);
    const hangUp = network.call({
      from: name,
      op,
      input,
      timeoutMs,
      done: (ending) => this.#run(() => finish(ending)),
    });
    this.#openCalls.add(call);
    this.#hangUps.add(hangUp);
    const finish = (ending: Ending<Op>): void => {
      this.#openCalls.delete(call);
      this.#hangUps.delete(hangUp);
      if ("ok" in ending) call.ok(logged.toOutput(ending.ok));
      else if ("error" in ending) call.fail(ending.error);
      else call.unknown();
      done(ending);
    };
    return () => {
      call.unknown();
      hangUp();
    };
  }

  #run(act: () => void): void {
    if (this.#isDead) return;
    if (this.#isPaused) this.#postponed.push(act);
    else act();
  }
}
