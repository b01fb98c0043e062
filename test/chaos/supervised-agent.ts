import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import type { RunningProcess } from "../e2e/process.ts";
import { AGENT_READY, untilGone, type AgentOptions, type ChaosPlane } from "./chaos-plane.ts";
import type { Random } from "./random.ts";

export type KillPlan = {
  readonly random: Random;
  /** Longest time between the agent being ready and its death. */
  readonly longestLifeMs: number;
  /** After so many kills it is left alone, so that a machine too slow for them gets to the end. Default: no limit. */
  readonly mostKills?: number;
};

/** How often it is killed while still starting: recovery itself must survive that. */
const EARLY_SHARE = 0.2;
const LONGEST_EARLY_MS = 1_500;

/** An agent with a supervisor that starts it again at once, and an enemy that kills it at random points. */
export class SupervisedAgent {
  readonly #plane: ChaosPlane;
  readonly #options: AgentOptions;
  readonly #plan: KillPlan;
  #current: RunningProcess;
  readonly #life: Promise<void>;
  readonly #spared = new AbortController();
  #kills = 0;
  readonly #selfInflicted: string[] = [];

  constructor(plane: ChaosPlane, options: AgentOptions, plan: KillPlan) {
    this.#plane = plane;
    this.#options = options;
    this.#plan = plan;
    this.#current = plane.startAgent(options);
    this.#life = this.#live();
  }

  get kills(): number {
    return this.#kills;
  }

  /** How it ended when nobody had killed it; each is an offence. */
  get selfInflicted(): readonly string[] {
    return this.#selfInflicted;
  }

  /** Kills it no more and leaves it running. */
  async spare(): Promise<void> {
    this.#spared.abort();
    await this.#life;
  }

  async #live(): Promise<void> {
    while (!this.#spared.signal.aborted) {
      const agent = this.#current;
      await Promise.race([this.#untilItsTime(agent), untilGone(agent)]);
      if (this.#spared.signal.aborted && agent.child.exitCode === null) return;
      this.#noteEnd(agent);
      agent.child.kill("SIGKILL");
      await untilGone(agent);
      this.#current = this.#plane.startAgent(this.#options);
    }
  }

  async #untilItsTime(agent: RunningProcess): Promise<unknown> {
    const { random, longestLifeMs, mostKills = Infinity } = this.#plan;
    if (this.#kills >= mostKills) return once(this.#spared.signal, "abort");
    if (random.next() < EARLY_SHARE) return pause(random.between(0, LONGEST_EARLY_MS));
    const lifeMs = random.between(0, longestLifeMs);
    // An agent that ends by itself is noticed by the caller.
    await agent.waitForOutput(AGENT_READY, 60_000).catch(() => untilGone(agent));
    return pause(lifeMs);
  }

  #noteEnd(agent: RunningProcess): void {
    const { child } = agent;
    if (child.exitCode === null && child.signalCode === null) this.#kills += 1;
    else
      this.#selfInflicted.push(
        `the agent ended by itself (${child.exitCode ?? child.signalCode}): ${agent.stderr().trim().split("\n").at(-1)}`,
      );
  }
}
