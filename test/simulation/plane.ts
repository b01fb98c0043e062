import type { RetryPolicy } from "@downbeat/contract";
import type { Fence } from "@downbeat/testkit/history";
import type { MemoryStore } from "./memory-store.ts";
import type { Mutations } from "./mutation.ts";
import type {
  BeatAnswer,
  Leased,
  Moved,
  Outcome,
  ReportedTransition,
  Resume,
  SweepTimes,
} from "./store.ts";
import type { Cancel, Timeline } from "./timeline.ts";

/** A run that a heartbeat names, with the pause point at which its process waits. */
export type Listed = Pick<Fence, "runId" | "epoch"> & { readonly awaits?: string | undefined };

/** What can be asked of the plane, and what it answers. */
export type Protocol = {
  trigger: [
    { key: string; delayMs: number; policy: RetryPolicy | null; queueName: string },
    { runId: string },
  ];
  cancel: [{ runId: string }, { accepted: boolean }];
  retry: [{ runId: string }, { accepted: boolean }];
  resume: [Resume, { accepted: boolean }];
  open_session: [{ endedSessionIds: readonly string[]; capacity: number }, { sessionId: string }];
  claim: [
    { sessionId: string; claimRequestId: string; max: number; waitMs: number; idleTick?: number },
    { leases: readonly Leased[] },
  ];
  report: [{ items: readonly ReportedTransition[] }, { outcomes: readonly Outcome[] }];
  heartbeat: [
    { sessionId: string; tick: number; runs: readonly Listed[] },
    { cancel: readonly string[]; fenced: readonly string[]; inputs: readonly Resume[] },
  ];
  release: [
    { sessionId: string; runs: readonly Fence[]; endSession: boolean },
    { released: number },
  ];
};

export type Asked = keyof Protocol;
export type Reply<Op extends Asked> = { readonly ok: Protocol[Op][1] } | { readonly error: string };

export type Request<Op extends Asked> = {
  readonly from: string;
  readonly op: Op;
  readonly input: Protocol[Op][0];
  readonly reply: (reply: Reply<Op>) => void;
  /** Whether the plane can see that nobody waits for the answer any more. */
  readonly hasHungUp: () => boolean;
};

export type PlaneTimes = SweepTimes & {
  readonly leaseMs: number;
  readonly sweepMs: number;
  readonly lateAfterMs: number;
};

export type PlaneOptions = {
  readonly store: MemoryStore;
  readonly timeline: Timeline;
  readonly times: PlaneTimes;
  readonly poolId: string;
  readonly mutations: Mutations;
};

type Hold = Request<"claim"> & { readonly untilMs: number };

const CLAIM_POLL_MS = 1000;

/** The plane's process: answers requests from the store, holds claims, sweeps. What is not in the store dies with it. */
export class Plane {
  readonly #options: PlaneOptions;
  #holds = new Map<string, Hold>();
  #loops: Cancel[] = [];
  #isUp = false;
  #restUntilMs = 0;

  constructor(options: PlaneOptions) {
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  start(): void {
    if (this.#isUp) return;
    const { timeline, times, mutations } = this.#options;
    this.#isUp = true;
    this.#restUntilMs = timeline.nowMs + (mutations.has("no_amnesty") ? 0 : times.leaseMs);
    this.#every(times.sweepMs, () => this.#sweep());
    this.#every(CLAIM_POLL_MS, () => this.#lookForAll());
  }

  stop(): void {
    this.#isUp = false;
    for (const cancel of this.#loops.splice(0)) cancel();
    this.#holds.clear();
  }

  /** Takes a request that has reached the plane; it is up. */
  handle<Op extends Asked>(request: Request<Op>): void {
    const handlers: { [Name in Asked]: (request: Request<Name>) => void } = {
      trigger: (it) => this.#trigger(it),
      cancel: (it) => this.#cancel(it),
      retry: (it) => this.#retry(it),
      resume: (it) => this.#resume(it),
      open_session: (it) => this.#openSession(it),
      claim: (it) => this.#claim(it),
      report: (it) => this.#report(it),
      heartbeat: (it) => this.#heartbeat(it),
      release: (it) => this.#release(it),
    };
    handlers[request.op](request);
  }

  #trigger({ input, from, reply }: Request<"trigger">): void {
    const { store, timeline } = this.#options;
    const scheduledForMs = input.delayMs > 0 ? input.delayMs : null;
    const { key, policy, queueName } = input;
    const due = { scheduledForMs, policy, queueName };
    const asked = { key, requestHash: key, ...due, actor: person(from) };
    const created = store.createRun(asked, timeline.nowMs);
    if (created.status === "mismatch") return reply({ error: "idempotency_mismatch" });
    reply({ ok: { runId: created.runId } });
    this.#lookForAll();
  }

  #cancel({ input, from, reply }: Request<"cancel">): void {
    const { store, timeline } = this.#options;
    const holder = store.holderOf(input.runId);
    const { status } = store.cancelRun(input.runId, person(from), timeline.nowMs);
    reply({ ok: { accepted: status === "accepted" } });
    if (holder !== null) this.#endHold(holder);
  }

  #retry({ input, from, reply }: Request<"retry">): void {
    const { store, timeline } = this.#options;
    const { status } = store.retryRun(input.runId, person(from), timeline.nowMs);
    reply({ ok: { accepted: status === "accepted" } });
    this.#lookForAll();
  }

  #resume({ input, from, reply }: Request<"resume">): void {
    const { store, timeline } = this.#options;
    const { status } = store.resumeRun(input, person(from), timeline.nowMs);
    reply({ ok: { accepted: status === "accepted" } });
    const holder = store.holderOf(input.runId);
    if (holder !== null) this.#endHold(holder);
    this.#lookForAll();
  }

  #openSession({ input, from, reply }: Request<"open_session">): void {
    const { store, timeline, times, poolId } = this.#options;
    const actor = agent(from);
    const end = { sessionIds: input.endedSessionIds, agentId: from, actor };
    store.endSessions(end, timeline.nowMs);
    const session = { agentId: from, poolId, capacity: input.capacity, leaseMs: times.leaseMs };
    const { sessionId } = store.openSession(session, timeline.nowMs);
    reply({ ok: { sessionId } });
    this.#lookForAll();
  }

  #claim(request: Request<"claim">): void {
    const { sessionId, waitMs, idleTick } = request.input;
    if (idleTick !== undefined) this.#beat(request.from, { sessionId, tick: idleTick, runs: [] });
    this.#endHold(sessionId);
    const hold = { ...request, untilMs: this.#options.timeline.nowMs + waitMs };
    if (!this.#look(hold)) this.#holds.set(sessionId, hold);
  }

  #report({ input, from, reply }: Request<"report">): void {
    const { store, timeline } = this.#options;
    reply({ ok: { outcomes: store.report(input.items, agent(from), timeline.nowMs) } });
    this.#lookForAll();
  }

  #heartbeat({ input, from, reply }: Request<"heartbeat">): void {
    const answer = this.#beat(from, input);
    if (!answer.open) return reply({ error: "session_ended" });
    const owned = new Map(answer.owned.map(({ runId, epoch }) => [runId, epoch]));
    const cancel = answer.owned.filter(({ type }) => type === "CANCELLING");
    const fenced = input.runs.filter(({ runId, epoch }) => owned.get(runId) !== epoch);
    const awaited = input.runs.flatMap(({ runId, awaits: point }) =>
      point === undefined || fenced.some((run) => run.runId === runId) ? [] : [{ runId, point }],
    );
    const inputs = this.#options.store.inputsOf(awaited);
    reply({ ok: { cancel: cancel.map(idOf), fenced: fenced.map(idOf), inputs } });
  }

  #beat(agentId: string, { sessionId, tick, runs }: Protocol["heartbeat"][0]): BeatAnswer {
    const { store, timeline, times } = this.#options;
    const answer = store.heartbeat({ sessionId, agentId, tick }, times.leaseMs, timeline.nowMs);
    // The runs of a beat that was overtaken are those of a time gone by.
    if (!answer.renewed) return answer;
    const listed = new Map(runs.map(({ runId, epoch }) => [runId, epoch]));
    store.settleAbsent({ sessionId, listed, leaseMs: times.leaseMs }, timeline.nowMs);
    return answer;
  }

  #release({ input, from, reply }: Request<"release">): void {
    const { store, timeline } = this.#options;
    const { sessionId, runs, endSession } = input;
    const actor = agent(from);
    const released = store.releaseRuns({ sessionId, runs, actor }, timeline.nowMs);
    const end = { sessionIds: endSession ? [sessionId] : [], agentId: from, actor };
    store.endSessions(end, timeline.nowMs);
    reply({ ok: { released: released.length } });
    if (endSession) this.#endHold(sessionId);
    this.#lookForAll();
  }

  /** True when the claim is answered. */
  #look(hold: Hold): boolean {
    const { store, timeline } = this.#options;
    const claimed = store.claimRuns({ ...hold.input, agentId: hold.from }, timeline.nowMs);
    if (claimed === "session_ended") hold.reply({ error: claimed });
    else if (claimed.length > 0) this.#answer(hold, claimed);
    else if (hold.untilMs > timeline.nowMs) return false;
    else hold.reply({ ok: { leases: [] } });
    return true;
  }

  #answer(hold: Hold, leases: readonly Leased[]): void {
    const { store, timeline } = this.#options;
    const { sessionId } = hold.input;
    if (hold.hasHungUp())
      store.releaseRuns({ sessionId, runs: leases, actor: agent(hold.from) }, timeline.nowMs);
    hold.reply({ ok: { leases } });
  }

  #endHold(sessionId: string): void {
    const hold = this.#holds.get(sessionId);
    this.#holds.delete(sessionId);
    hold?.reply({ ok: { leases: [] } });
  }

  #lookForAll(): void {
    for (const [sessionId, hold] of this.#holds) {
      if (hold.hasHungUp() || this.#look(hold)) this.#holds.delete(sessionId);
    }
  }

  #sweep(): void {
    const { store, timeline, times } = this.#options;
    store.markLate(times.lateAfterMs, timeline.nowMs);
    if (store.sweepPauses(timeline.nowMs).length > 0) this.#lookForAll();
    if (timeline.nowMs < this.#restUntilMs) return;
    const moved: Moved[] = store.sweep(times, timeline.nowMs);
    if (moved.length > 0) this.#lookForAll();
  }

  #every(intervalMs: number, round: () => void): void {
    const at = this.#loops.length;
    const plan = (): void => {
      this.#loops[at] = this.#options.timeline.after(intervalMs, () => {
        plan();
        round();
      });
    };
    this.#loops.push(() => {});
    plan();
  }
}

function agent(id: string) {
  return { kind: "agent", id } as const;
}

function person(id: string) {
  return { kind: "api-key", id } as const;
}

function idOf({ runId }: { readonly runId: string }): string {
  return runId;
}
