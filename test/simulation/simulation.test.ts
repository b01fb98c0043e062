import { describe, expect, it } from "vitest";
import type { Mutation } from "./mutation.ts";
import { simulate } from "./simulate.ts";

const SEEDS = 300;

describe("the simulated plane and its agents", () => {
  it(`break no invariant in the seeds 1 to ${SEEDS}, and live each seed the same way twice`, () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const first = simulate(seed);
      expect(first.violations, `seed ${seed}`).toEqual([]);
      expect(simulate(seed).digest, `seed ${seed}`).toBe(first.digest);
    }
  }, 180_000);

  it("see every kind of operation answered and left without an answer", () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 20; seed += 1)
      for (const { op, phase } of simulate(seed).entries) seen.add(`${op} ${phase}`);
    const operations = [
      "trigger",
      "cancel",
      "retry",
      "resume",
      "open_session",
      "claim",
      "report",
      "heartbeat",
      "release",
    ];
    const expected = operations.flatMap((op) => [`${op} ok`, `${op} unknown`]);
    expect([...seen]).toEqual(expect.arrayContaining(expected));
  });
});

describe("without a safeguard", () => {
  const found: Record<Mutation, string> = {
    ignore_fence: "no_stale_write",
    no_amnesty: "amnesty_after_downtime",
    claims_forgotten: "claim_is_granted_once",
    no_drain_beats: "lapse_has_a_cause",
    lapse_ends_session: "restart_is_not_imagined",
    end_before_delivery: "restart_is_not_imagined",
    absent_runs_stay: "accepted_trigger_ends_once",
    budget_unspent: "retry_budget_holds",
    resume_ignores_point: "resumed_once_per_input",
    suspended_keeps_lease: "suspended_run_holds_nothing",
    pauses_unswept: "accepted_trigger_ends_once",
    queue_unlimited: "queue_limit_holds",
    pause_unheeded: "paused_queue_gives_nothing",
  };
  const most = 400;

  it.each(Object.entries(found) as [Mutation, string][])(
    `%s breaks %s within ${most} seeds`,
    (mutation, invariant) => {
      let seed = 1;
      const isBroken = (): boolean =>
        simulate(seed, new Set([mutation])).violations.some((it) => it.invariant === invariant);
      while (seed <= most && !isBroken()) seed += 1;
      expect(seed).toBeLessThanOrEqual(most);
    },
    120_000,
  );
});
