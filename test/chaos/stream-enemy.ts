import { setTimeout as pause } from "node:timers/promises";
import type { PostgresServer } from "@downbeat/testkit/postgres-server";
import type { ChaosPlane, StartedApi } from "./chaos-plane.ts";
import type { ConnectionProxy } from "./connection-proxy.ts";
import { endApi } from "./end-api.ts";
import type { Random } from "./random.ts";
import { takeDatabaseAway } from "./take-database-away.ts";

/** What can be done to streams, by what it hits. */
const BLOWS = {
  connections: ["reset", "halved"],
  answers: ["answers lost"],
  api: ["API killed", "API stopped"],
  database: ["database killed", "database stopped"],
} as const;

type Blow = (typeof BLOWS)[keyof typeof BLOWS][number];

export type Targets = {
  readonly proxy: ConnectionProxy;
  readonly plane: ChaosPlane;
  readonly api: StartedApi;
  readonly server: PostgresServer;
};

export type EnemyPlan = {
  readonly random: Random;
  /** How often each kind of target is hit. */
  readonly rounds: number;
  /** Lines that will be answered, over which the blows are spread. */
  readonly lines: number;
};

/** Strikes whenever the callers have heard so many further answers, and puts right again what it broke. */
export class StreamEnemy {
  readonly struck: Partial<Record<Blow, number>> = {};
  readonly offences: string[] = [];
  readonly #targets: Targets;
  readonly #random: Random;
  readonly #blows: Blow[];
  readonly #longestLull: number;
  #api: StartedApi;
  #untilNext: number;
  #striking: Promise<void> = Promise.resolve();

  constructor(targets: Targets, { random, rounds, lines }: EnemyPlan) {
    this.#targets = targets;
    this.#random = random;
    this.#api = targets.api;
    this.#blows = Array.from({ length: rounds }, () => aRound(random)).flat();
    this.#longestLull = lines / (this.#blows.length + 1);
    this.#untilNext = this.#lull();
  }

  /** A caller has heard an answer. It goes on when nothing is broken that was to be put right before the next blow. */
  async heard(): Promise<void> {
    this.#untilNext -= 1;
    if (this.#untilNext > 0) return;
    this.#untilNext = this.#lull();
    const blow = this.#blows.shift();
    const before = this.#striking;
    if (blow !== undefined) this.#striking = before.then(() => this.#strike(blow));
    await before;
  }

  /** Waits until everything runs again, and says which blows the streams did not live to see. */
  async stop(): Promise<string[]> {
    await this.#striking;
    return this.#blows.splice(0);
  }

  #lull(): number {
    return this.#random.between(0.2, 1) * this.#longestLull;
  }

  async #strike(blow: Blow): Promise<void> {
    const { proxy } = this.#targets;
    this.struck[blow] = (this.struck[blow] ?? 0) + 1;
    switch (blow) {
      case "reset":
        return proxy.reset();
      case "halved":
        return proxy.halve();
      case "answers lost":
        proxy.loseAnswers();
        await pause(this.#random.between(20, 500));
        return proxy.reset();
      case "API killed":
        return this.#endApi("SIGKILL");
      case "API stopped":
        return this.#endApi("SIGTERM");
      case "database killed":
        return this.#takeAway("SIGKILL");
      case "database stopped":
        return this.#takeAway("SIGINT");
    }
  }

  async #endApi(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.offences.push(...(await endApi(this.#api, signal)));
    this.#api = await this.#targets.plane.startApi({ port: this.#api.port });
  }

  #takeAway(signal: "SIGKILL" | "SIGINT"): Promise<void> {
    return takeDatabaseAway(this.#targets.server, signal, this.#random);
  }
}

/** One blow to each kind of target, in any order. */
function aRound(random: Random): Blow[] {
  return Object.values(BLOWS)
    .map((blows) => ({ blow: random.pick<Blow>(blows), at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ blow }) => blow);
}
