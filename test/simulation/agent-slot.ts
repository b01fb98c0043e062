import type { HistoryLog } from "@downbeat/testkit/history";
import { AgentDisk } from "./agent-disk.ts";
import type { AgentWorld } from "./agent-process.ts";
import { Agent } from "./agent.ts";

/** A machine that an agent lives on: one process after another over the same disk. */
export class AgentSlot {
  readonly name: string;
  readonly disk = new AgentDisk();
  readonly #world: Omit<AgentWorld, "disk" | "name">;
  #agent: Agent | undefined;

  constructor(name: string, world: Omit<AgentWorld, "disk" | "name">) {
    this.name = name;
    this.#world = world;
  }

  /** Starts a process unless one lives. */
  start(): void {
    if (this.#agent !== undefined) return;
    this.#agent = new Agent({ ...this.#world, name: this.name, disk: this.disk });
    this.#agent.start();
  }

  /** SIGKILL; after a while somebody starts it again. */
  kill(downMs: number): void {
    this.#agent?.kill();
    this.#agent = undefined;
    this.#world.timeline.after(downMs, () => this.start());
  }

  /** SIGTERM; after it has left somebody starts it again. */
  drain(downMs: number): void {
    const agent = this.#agent;
    if (agent === undefined || agent.isDraining) return;
    agent.drain(() => {
      this.#agent = undefined;
      this.#world.timeline.after(downMs, () => this.start());
    });
  }

  /** SIGSTOP, and SIGCONT after a while. */
  pause(forMs: number): void {
    const agent = this.#agent;
    if (agent === undefined) return;
    agent.process.pause();
    this.#log.event(this.name, "process", "paused");
    this.#world.timeline.after(forMs, () => {
      if (agent !== this.#agent) return;
      this.#log.event(this.name, "process", "resumed");
      agent.process.resume();
    });
  }

  /** Cut off from the plane for a while. */
  partition(forMs: number): void {
    const { network, timeline } = this.#world;
    network.cut(this.name);
    timeline.after(forMs, () => network.join(this.name));
  }

  get #log(): HistoryLog {
    return this.#world.log;
  }
}
