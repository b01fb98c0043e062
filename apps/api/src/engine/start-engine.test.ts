import { describe, expect, it } from "vitest";
import type { Services } from "../services.ts";
import { sweepRound } from "./start-engine.ts";

const LEASE_SECONDS = 45;

/** Only the time and the database's presence matter here; what a sweep does is tested on real databases. */
function aSweep() {
  const world = { nowMs: 1_000_000, sweeps: 0, isAway: false };
  const database = {
    asEngine: async () => {
      if (world.isAway) throw new Error("away");
      world.sweeps += 1;
      return [];
    },
  };
  const config = {
    leaseSeconds: LEASE_SECONDS,
    reconnectWindowSeconds: 300,
    cancelDeadlineSeconds: 60,
  };
  const services = { database, config } as unknown as Services;
  const round = sweepRound(services, () => world.nowMs);
  const after = async (seconds: number): Promise<number> => {
    world.nowMs += seconds * 1000;
    await round();
    return world.sweeps;
  };
  return { world, after };
}

describe("sweepRound", () => {
  it("rests for one lease after a start: agents could not beat while the server was away", async () => {
    const { after } = aSweep();
    expect(await after(0)).toBe(0);
    expect(await after(LEASE_SECONDS - 1)).toBe(0);
    expect(await after(1)).toBe(1);
    expect(await after(5)).toBe(2);
  });

  it("rests for one lease after the database was away", async () => {
    const { world, after } = aSweep();
    await after(LEASE_SECONDS);
    world.isAway = true;
    await expect(after(5)).rejects.toThrow("away");
    world.isAway = false;
    expect(await after(LEASE_SECONDS - 1)).toBe(1);
    expect(await after(1)).toBe(2);
  });
});
