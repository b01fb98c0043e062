import type { AgentSlot } from "./agent-slot.ts";
import type { Network } from "./network.ts";
import type { Planes } from "./planes.ts";
import type { Random } from "./random.ts";
import type { Timeline } from "./timeline.ts";

type World = {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly planes: Planes;
  readonly network: Network;
  readonly slots: readonly AgentSlot[];
  /** When trouble ends: whatever was broken is whole by then. */
  readonly endMs: number;
};

type Trouble = {
  readonly longestMs: number;
  readonly strike: (slot: AgentSlot, forMs: number) => void;
};

const AGENT_TROUBLES: readonly [Trouble, ...Trouble[]] = [
  { longestMs: 120_000, strike: (slot, forMs) => slot.kill(forMs) },
  { longestMs: 60_000, strike: (slot, forMs) => slot.drain(forMs) },
  { longestMs: 40_000, strike: (slot, forMs) => slot.pause(forMs) },
  { longestMs: 400_000, strike: (slot, forMs) => slot.pause(forMs) },
  { longestMs: 90_000, strike: (slot, forMs) => slot.partition(forMs) },
  { longestMs: 400_000, strike: (slot, forMs) => slot.partition(forMs) },
];

const LONGEST_DOWNTIME_MS = 400_000;

/** Plans what goes wrong: agents killed, drained, stopped and cut off, processes of the plane away. */
export function planTroubles(world: World): void {
  const { timeline, random, slots, endMs } = world;
  for (const slot of slots) {
    for (let left = random.between(0, 3); left > 0; left -= 1) {
      const atMs = random.between(1_000, endMs - 1);
      const { longestMs, strike } = random.pick(AGENT_TROUBLES);
      const forMs = Math.min(random.between(1, longestMs), endMs - atMs);
      timeline.after(atMs, () => strike(slot, forMs));
    }
  }
  for (let left = random.between(0, 2); left > 0; left -= 1) {
    const atMs = random.between(1_000, endMs - 1);
    const forMs = Math.min(random.between(1, LONGEST_DOWNTIME_MS), endMs - atMs);
    timeline.after(atMs, () => takeDown(world, forMs));
  }
}

function takeDown({ planes, timeline }: World, forMs: number): void {
  const start = planes.takeOneDown();
  if (start !== undefined) timeline.after(forMs, start);
}
