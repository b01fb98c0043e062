import type { PausePoint, StateName, StateReasonCode, StateType } from "@downbeat/contract";
import type { Random } from "../simulation/random.ts";

/** A lease by the place of its run in the order of creation. */
type LeaseRef = { readonly run: number; readonly epoch: number; readonly token: "right" | "wrong" };

export type ReportRef = LeaseRef & {
  readonly transitionId: string;
  readonly type: StateType;
  readonly name: StateName;
  readonly reason: StateReasonCode;
  readonly pause?: PausePoint;
};

export type RunRef = {
  readonly key: string;
  readonly hash: string;
  readonly delayMs: number | null;
};

export type ClaimRef = {
  readonly session: number;
  readonly agent: number;
  readonly id: string;
  readonly max: number;
};

/** What is asked of both stores. Runs, sessions, agents and claims are named by number: their ids differ. */
export type Command = { readonly afterMs: number } & (
  | ({ readonly do: "create" } & RunRef)
  | ({ readonly do: "create_for" } & RunRef & ClaimRef)
  | { readonly do: "open"; readonly agent: number; readonly capacity: number }
  | ({ readonly do: "claim" } & ClaimRef)
  | { readonly do: "report"; readonly agent: number; readonly items: readonly ReportRef[] }
  | {
      readonly do: "beat";
      readonly session: number;
      readonly agent: number;
      readonly tick: number;
    }
  | { readonly do: "release"; readonly session: number; readonly leases: readonly LeaseRef[] }
  | { readonly do: "end"; readonly sessions: readonly number[]; readonly agent: number }
  | { readonly do: "cancel"; readonly run: number }
  | { readonly do: "resume"; readonly run: number; readonly point: string }
  | { readonly do: "sweep" | "late" | "lapse" }
);

/** What the commands so far have made. */
export type Made = {
  readonly runs: number;
  /** The agent of each session. */
  readonly sessions: readonly number[];
  /** Every lease ever granted, newest last. */
  readonly leases: readonly { readonly run: number; readonly epoch: number }[];
};

const STEPS: readonly [Step, ...Step[]] = [
  ["RUNNING", "Running", "started"],
  ["RUNNING", "Running", "started"],
  ["RUNNING", "Retrying", "retrying"],
  ["COMPLETED", "Completed", "completed"],
  ["FAILED", "Failed", "failed"],
  ["CRASHED", "Crashed", "process_exited"],
  ["CANCELLED", "Cancelled", "cancelled"],
  ["PAUSED", "Paused", "pause_requested"],
  ["PAUSED", "Paused", "pause_requested"],
  ["PAUSED", "Suspended", "suspend_requested"],
  ["PAUSED", "Suspended", "suspend_requested"],
  ["SCHEDULED", "Scheduled", "released"],
];

type Step = readonly [StateType, StateName, StateReasonCode];

const POINTS = ["go", "go", "go", "more"] as const;

// Around what decides: at once, a beat, either side of a lease, either side of the reconnect window.
const PAUSES_MS = [0, 0, 1, 700, 5_000, 20_000, 44_999, 45_000, 61_000, 299_000, 346_000] as const;

/** Draws command lists that mean something: most refer to what is there, some to what is not theirs. */
export class CommandSource {
  readonly #random: Random;
  readonly #claimIds: string[] = [];
  readonly #reports: ReportRef[] = [];
  readonly #keys: string[] = [];
  #tick = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  next(made: Made): Command {
    const random = this.#random;
    const afterMs = random.chance(0.85) ? random.between(0, 900) : random.pick(PAUSES_MS);
    return { ...this.#draw(made), afterMs };
  }

  #draw(made: Made): Command {
    const random = this.#random;
    if (made.sessions.length < 2) return { afterMs: 0, do: "open", agent: 0, capacity: 2 };
    // The newest sessions are the ones that are open; an old one now and then.
    const last = made.sessions.length - 1;
    const session = random.between(random.chance(0.9) ? Math.max(0, last - 1) : 0, last);
    const owner = made.sessions[session] ?? 0;
    const agent = random.chance(0.05) ? 1 - owner : owner;
    const base = { afterMs: 0 };
    const kind = random.pick(KINDS);
    switch (kind) {
      case "create":
        return { ...base, do: "create", ...this.#run() };
      case "create_for":
        return { ...base, do: "create_for", ...this.#run(), ...this.#claim(session, agent) };
      case "open":
        return { ...base, do: "open", agent: random.between(0, 1), capacity: random.between(1, 4) };
      case "claim":
        return { ...base, do: "claim", ...this.#claim(session, agent) };
      case "report":
        return { ...base, do: "report", agent, items: this.#items(made) };
      case "beat":
        this.#tick += random.chance(0.9) ? 1 : 0;
        return { ...base, do: "beat", session, agent, tick: this.#tick };
      case "release":
        return { ...base, do: "release", session, leases: this.#leases(made) };
      case "end":
        return { ...base, do: "end", sessions: [0, session].slice(random.between(0, 1)), agent };
      case "cancel":
        return { ...base, do: "cancel", run: random.between(0, Math.max(0, made.runs - 1)) };
      case "resume":
        return {
          ...base,
          do: "resume",
          run: this.#leases(made)[0]?.run ?? 0,
          point: random.pick(POINTS),
        };
      case "late":
      case "lapse":
        return { ...base, do: kind };
      default:
        return { ...base, do: "sweep" };
    }
  }

  #run(): RunRef {
    const random = this.#random;
    const key = this.#again(this.#keys, () => random.uuid());
    const hash = random.chance(0.95) ? "one" : "other";
    return { key, hash, delayMs: random.chance(0.8) ? null : random.between(-20_000, 60_000) };
  }

  #claim(session: number, agent: number): ClaimRef {
    const id = this.#again(this.#claimIds, () => this.#random.uuid());
    return { session, agent, id, max: this.#random.between(1, 3) };
  }

  #items(made: Made): ReportRef[] {
    return this.#leases(made).map((lease) =>
      this.#again(this.#reports, () => {
        const [type, name, reason] = this.#random.pick(STEPS);
        const step = { ...lease, transitionId: this.#random.uuid(), type, name, reason };
        return type === "PAUSED" ? { ...step, pause: this.#point() } : step;
      }),
    );
  }

  #point(): PausePoint {
    const random = this.#random;
    return {
      key: random.pick(POINTS),
      inputSchema: null,
      timeoutSeconds: random.pick([null, 1, 1, 45]),
      onTimeout: random.pick(["fail", "resume"]),
    };
  }

  #leases({ leases }: Made): LeaseRef[] {
    const random = this.#random;
    const refs = Array.from({ length: random.between(1, 3) }, (): LeaseRef => {
      // The newest are the ones that matter; an old one now and then.
      const from = random.chance(0.8) ? Math.max(0, leases.length - 4) : 0;
      const lease = leases[random.between(from, Math.max(0, leases.length - 1))] ?? {
        run: 0,
        epoch: 1,
      };
      return { ...lease, token: random.chance(0.95) ? "right" : "wrong" };
    });
    return refs;
  }

  /** Something new, or sometimes something from before. */
  #again<T>(known: T[], make: () => T): T {
    const first = known[this.#random.between(0, Math.max(0, known.length - 1))];
    if (first !== undefined && this.#random.chance(0.15)) return first;
    const made = make();
    known.push(made);
    return made;
  }
}

const KINDS = spread({
  create: 3,
  create_for: 3,
  open: 1,
  claim: 5,
  report: 6,
  beat: 4,
  release: 1,
  end: 1,
  cancel: 1,
  sweep: 4,
  late: 1,
  resume: 4,
  lapse: 3,
});

function spread(
  weights: Record<Command["do"], number>,
): readonly [Command["do"], ...Command["do"][]] {
  const kinds = Object.entries(weights) as [Command["do"], number][];
  return ["sweep", ...kinds.flatMap(([kind, weight]) => Array<Command["do"]>(weight).fill(kind))];
}
