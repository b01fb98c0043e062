import type { Actor } from "@downbeat/contract";
import { lapseStep, resumeStep, type Proposal } from "@downbeat/core";
import type { MemoryRuns } from "./memory-runs.ts";
import type { Mutations } from "./mutation.ts";
import type { Moved, Outcome, Resume } from "./store.ts";

type Parts = {
  readonly runs: MemoryRuns;
  readonly random: { uuid: () => string };
  readonly mutations: Mutations;
};

const ENGINE: Actor = { kind: "engine", id: null };

/** What becomes of paused runs, in the store in memory. */
export class MemoryPauses {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** As a person asks: refused when it waits elsewhere by now. The input is kept for every attempt that follows. */
  resume({ runId, point }: Resume, actor: Actor, nowMs: number): Outcome {
    const { runs, random, mutations } = this.#parts;
    const run = runs.get(runId);
    const isThere = run?.pause?.key === point || mutations.has("resume_ignores_point");
    if (run === undefined || run.pause === null || !isThere)
      return { status: "rejected", stands: run?.state.type ?? null };
    const { key } = run.pause;
    const step = resumeStep({ isHeld: run.sessionId !== null });
    const transitionId = random.uuid();
    const proposal: Proposal = { ...step, proposer: "person", transitionId, error: null };
    const [outcome] = runs.decide(run, [proposal], { actor, nowMs });
    if (outcome?.status !== "accepted") return { status: "rejected", stands: run.state.type };
    run.inputs.add(key);
    return { status: "accepted", stands: run.state.type };
  }

  /** Settles what nobody resumed in time. */
  sweep(nowMs: number): Moved[] {
    const { runs, mutations } = this.#parts;
    if (mutations.has("pauses_unswept")) return [];
    const lapsed = [...runs.live()].filter(
      ({ state, pauseDeadlineMs }) =>
        state.type === "PAUSED" && pauseDeadlineMs !== null && pauseDeadlineMs <= nowMs,
    );
    return lapsed.flatMap((run) => {
      if (run.pause === null) return [];
      const { key, onTimeout } = run.pause;
      if (onTimeout === "resume") run.inputs.add(key);
      const step = lapseStep({ onTimeout }, { isHeld: run.sessionId !== null });
      return runs.moveAll([run], () => step, { actor: ENGINE, nowMs });
    });
  }
}
