import type { ClaimRequest, HeartbeatRequest, Lease, LeasedRun } from "@downbeat/contract";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ClaimLoop } from "./claim-loop.ts";
import { HeartbeatLoop } from "./heartbeat-loop.ts";
import { pause } from "./pause.ts";
import type { SessionLink } from "./session-link.ts";

const INTERVALS = {
  leaseSeconds: 45,
  heartbeatSeconds: 15,
  reconnectWindowSeconds: 300,
  claimHoldSeconds: 25,
};
const LEASE = { runId: "run", epoch: 1, deployment: 0 } as LeasedRun;

type Call = { readonly atMs: number; readonly name: string; readonly tick: number | undefined };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A process that takes runs, and a plane that holds claims until there is something. */
function aProcess() {
  const calls: Call[] = [];
  const held: Lease[] = [];
  let answer: (leases: readonly LeasedRun[]) => void = () => {};
  let isSilent = false;
  const call = async (name: string, { body }: { body: ClaimRequest & HeartbeatRequest }) => {
    const heldMs = body.waitSeconds * 1000;
    const tick = name === "claim" ? body.idleTick : body.tick;
    calls.push({ atMs: performance.now(), name, tick });
    if (name === "heartbeat")
      return { cancel: [], fenced: [], inputs: [], drain: false, intervals: INTERVALS };
    const leases = await new Promise<readonly LeasedRun[]>((resolve) => {
      answer = resolve;
      if (!isSilent) setTimeout(() => resolve([]), heldMs);
    });
    return { leases, deployments: [{}], drain: false };
  };
  const link = {
    client: { call },
    session: { id: "session", intervals: INTERVALS, renewAfter: async () => false },
    watch: { reached: () => {}, failed: () => {}, pause },
  } as unknown as SessionLink;
  const shared = { ...link, onDrain: () => {} };
  let ticks = 0;
  const tick = () => (ticks += 1);
  const renewedAtMs: number[] = [];
  const claims = new ClaimLoop({
    ...shared,
    backoff: { firstMs: 100, maxMs: 1000 },
    room: () => 10 - held.length,
    roomChange: (signal) => pause(1000, signal),
    holds: () => false,
    onLease: (lease) => held.push(lease),
    onEarlyAnswer: () => {},
    idleTick: () => (held.length === 0 ? tick() : undefined),
    onCarried: (carried, sentAtMs) => beats.carried(carried, sentAtMs),
  });
  const beats = new HeartbeatLoop({
    ...shared,
    runs: {
      get size() {
        return held.length;
      },
      all: () => held.map((lease) => ({ lease, cancel: () => {}, fence: () => {} })),
      get: () => undefined,
    },
    tick,
    isAsking: () => claims.isAsking,
    carriedUntilMs: () => claims.carriesUntilMs,
    awayBeatMs: 5_000,
    onRenewed: (sentAtMs) => renewedAtMs.push(sentAtMs),
  });
  claims.start();
  beats.start();
  return {
    calls,
    renewedAtMs,
    grant: () => answer([LEASE]),
    goSilent: () => (isSilent = true),
    beatsSince: (atMs: number) =>
      calls.filter((one) => one.name === "heartbeat" && one.atMs >= atMs).map((one) => one.atMs),
    stop: async () => {
      const stopped = Promise.all([beats.stop(), claims.stop()]);
      answer([]);
      await vi.advanceTimersByTimeAsync(1000);
      await stopped;
    },
  };
}

test("while nothing is held, claims are the heartbeats", async () => {
  const one = aProcess();
  await vi.advanceTimersByTimeAsync(240_000);
  expect(one.beatsSince(performance.now() - 200_000)).toEqual([]);
  const claims = one.calls.filter(({ name }) => name === "claim");
  expect(claims.every(({ tick }) => tick !== undefined)).toBe(true);
  const gapsMs = claims.slice(1).map(({ atMs }, at) => atMs - (claims[at]?.atMs ?? 0));
  expect(Math.max(...gapsMs)).toBeLessThan((INTERVALS.leaseSeconds * 1000) / 2);
  expect(one.renewedAtMs.length).toBeGreaterThanOrEqual(9);
  await one.stop();
});

test("the first run brings the heartbeats back, long before its lease can end", async () => {
  const one = aProcess();
  await vi.advanceTimersByTimeAsync(120_000 + 24_000);
  const atMs = performance.now();
  one.grant();
  await vi.advanceTimersByTimeAsync(60_000);
  const beats = one.beatsSince(atMs);
  expect((beats[0] ?? Infinity) - atMs).toBeLessThanOrEqual(2_000);
  expect(beats.length).toBeGreaterThanOrEqual(4);
  const ticks = one.calls.filter(({ name, atMs: at }) => name === "claim" && at >= atMs);
  expect(ticks.every(({ tick }) => tick === undefined)).toBe(true);
  await one.stop();
});

test("a claim that is not answered in time stops standing in for them", async () => {
  const one = aProcess();
  one.goSilent();
  await vi.advanceTimersByTimeAsync(100_000);
  const atMs = performance.now();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(one.beatsSince(atMs).length).toBeGreaterThanOrEqual(3);
  await one.stop();
});
