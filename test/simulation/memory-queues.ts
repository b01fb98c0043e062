import { roomsAfter, shareOut, type Rooms, type WaitingLine } from "@downbeat/core";
import type { ClosedTime } from "@downbeat/testkit/history";
import type { MemoryRun } from "./memory-run.ts";
import type { Mutations } from "./mutation.ts";

/** A work queue of the pool. */
export type Queue = {
  readonly name: string;
  /** 1 is served first. */
  readonly priority: number;
  readonly limit: number | null;
};

export type MemoryQueuesOptions = {
  readonly queues: readonly Queue[];
  readonly poolLimit: number | null;
  readonly mutations: Mutations;
};

type Line = WaitingLine & { readonly name: string; readonly due: MemoryRun[] };

const POOL = "pool";

/** Shares the places of a claim out among the queues, in the store in memory: the rules of core. */
export class MemoryQueues {
  readonly #options: MemoryQueuesOptions;
  readonly #closed: { name: string | null; fromMs: number; untilMs: number }[] = [];

  constructor(options: MemoryQueuesOptions) {
    this.#options = options;
  }

  /** Pauses a queue, or the pool (null), from now on for so long. */
  close(name: string | null, nowMs: number, forMs: number): void {
    this.#closed.push({ name, fromMs: nowMs, untilMs: nowMs + forMs });
  }

  /** When what was paused. */
  get closedTimes(): readonly ClosedTime[] {
    return this.#closed;
  }

  get limits(): ReadonlyMap<string, number> {
    return new Map(
      this.#options.queues.flatMap(({ name, limit }) => (limit === null ? [] : [[name, limit]])),
    );
  }

  /** Which of the runs that are due a claim takes, given those that are held. */
  take(due: readonly MemoryRun[], held: readonly MemoryRun[], places: number, nowMs: number) {
    let lines = this.#lines(due, nowMs);
    let rooms = this.#rooms(held);
    const taken: MemoryRun[] = [];
    while (taken.length < places && lines.length > 0) {
      const shares = shareOut(lines, rooms, places - taken.length);
      if (shares.every((share) => share === 0)) break;
      const given = lines.map((line, at) => ({ line, runs: line.due.splice(0, shares[at] ?? 0) }));
      taken.push(...given.flatMap(({ runs }) => runs));
      rooms = roomsAfter(
        rooms,
        given.map(({ line, runs }) => ({ line, count: runs.length })),
      );
      lines = lines.filter((line) => line.due.length > 0);
    }
    return taken;
  }

  #lines(due: readonly MemoryRun[], nowMs: number): Line[] {
    return this.#options.queues.flatMap(({ name, priority, limit }) => {
      const own = due.filter((run) => run.queueName === name);
      if (own.length === 0 || this.#isClosed(name, nowMs)) return [];
      const limits = [
        ...(this.#options.poolLimit === null ? [] : [POOL]),
        ...(limit === null || this.#options.mutations.has("queue_unlimited") ? [] : [name]),
      ];
      return [{ name, priority, ticket: name, limits, due: own }];
    });
  }

  #isClosed(queue: string, nowMs: number): boolean {
    if (this.#options.mutations.has("pause_unheeded")) return false;
    return this.#closed.some(
      ({ name, fromMs, untilMs }) =>
        (name === null || name === queue) && fromMs <= nowMs && nowMs < untilMs,
    );
  }

  #rooms(held: readonly MemoryRun[]): Rooms {
    const rooms = new Map<string, number>();
    const { poolLimit } = this.#options;
    if (poolLimit !== null) rooms.set(POOL, poolLimit - held.length);
    for (const [name, limit] of this.limits)
      rooms.set(name, limit - held.filter(({ queueName }) => queueName === name).length);
    return rooms;
  }
}
