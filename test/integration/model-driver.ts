import type { Actor } from "@downbeat/contract";
import type { Fence } from "@downbeat/testkit/history";
import type {
  Claim,
  Created,
  Leased,
  Moved,
  NewDueRun,
  ReportedTransition,
  Store,
} from "../simulation/store.ts";
import type { ClaimRef, Command, Made, RunRef } from "./model-commands.ts";

const LEASE_MS = 45_000;
const SWEEP = { reconnectWindowMs: 300_000, cancelDeadlineMs: 60_000 };
const LATE_AFTER_MS = 15_000;
const PERSON: Actor = { kind: "api-key", id: null };
const NO_SUCH_ID = "00000000-0000-4000-8000-000000000000";

/** Runs commands on one store and says what it answered, with numbers in place of ids. */
export class ModelDriver {
  readonly #store: Store;
  readonly #place: { readonly poolId: string; readonly agentIds: readonly string[] };
  readonly #runIds: string[] = [];
  readonly #sessions: { id: string; agent: number }[] = [];
  readonly #tokens = new Map<string, string>();
  readonly #leases: { run: number; epoch: number }[] = [];
  #nowMs: number;

  constructor(
    store: Store,
    place: { poolId: string; agentIds: readonly string[]; startMs: number },
  ) {
    this.#store = store;
    this.#place = place;
    this.#nowMs = place.startMs;
  }

  get made(): Made {
    const sessions = this.#sessions.map(({ agent }) => agent);
    return { runs: this.#runIds.length, sessions, leases: this.#leases };
  }

  get runIds(): readonly string[] {
    return this.#runIds;
  }

  /** The place of a run in the order of creation. */
  numberOf(runId: string): number {
    return this.#runIds.indexOf(runId);
  }

  sessionNumber(sessionId: string | null): number | null {
    return sessionId === null ? null : this.#sessions.findIndex(({ id }) => id === sessionId);
  }

  agentNumber(agentId: string | null): number | null {
    return agentId === null ? null : this.#place.agentIds.indexOf(agentId);
  }

  async run(command: Command): Promise<unknown> {
    this.#nowMs += command.afterMs;
    const nowMs = this.#nowMs;
    switch (command.do) {
      case "create":
        return this.#create(command, nowMs);
      case "create_for": {
        const asked = this.#asked(command);
        const { created, leases } = await this.#store.createRunFor(
          this.#newRun(command, nowMs),
          asked,
          nowMs,
        );
        return { ...this.#created(created), leases: this.#leased(leases) };
      }
      case "open":
        return this.#open(command, nowMs);
      case "claim":
        return this.#claim(command, nowMs);
      case "report": {
        const items = command.items.map((item) => this.#item(item));
        return this.#store.report(items, this.#actor(command.agent), nowMs);
      }
      case "beat": {
        const beat = { ...this.#session(command.session, command.agent), tick: command.tick };
        const { open, owned, renewed } = await this.#store.heartbeat(beat, LEASE_MS, nowMs);
        return {
          open,
          renewed,
          owned: owned.map((run) => ({ ...run, runId: this.numberOf(run.runId) })),
        };
      }
      case "release": {
        const { sessionId, agentId } = this.#session(command.session);
        const runs = command.leases.map((lease) => this.#fence(lease));
        const actor: Actor = { kind: "agent", id: agentId };
        return this.#moved(await this.#store.releaseRuns({ sessionId, runs, actor }, nowMs));
      }
      case "end": {
        const sessionIds = command.sessions.map((it) => this.#session(it).sessionId);
        const actor = this.#actor(command.agent);
        const end = { sessionIds, agentId: actor.id ?? "", actor };
        return this.#moved(await this.#store.endSessions(end, nowMs));
      }
      case "cancel":
        return this.#store.cancelRun(this.#runId(command.run), PERSON, nowMs);
      case "resume": {
        const { run, point } = command;
        return this.#store.resumeRun({ runId: this.#runId(run), point }, PERSON, nowMs);
      }
      case "lapse":
        return this.#moved(await this.#store.sweepPauses(nowMs));
      case "sweep":
        return this.#moved(await this.#store.sweep(SWEEP, nowMs));
      case "late":
        return this.#moved(await this.#store.markLate(LATE_AFTER_MS, nowMs));
    }
  }

  async #create(command: RunRef, nowMs: number): Promise<unknown> {
    return this.#created(await this.#store.createRun(this.#newRun(command, nowMs), nowMs));
  }

  #newRun({ key, hash, delayMs }: RunRef, nowMs: number): NewDueRun {
    const scheduledForMs = delayMs === null ? null : nowMs + delayMs;
    return { key, requestHash: hash, scheduledForMs, actor: PERSON };
  }

  #created(created: Created): object {
    if (created.status === "mismatch") return created;
    if (created.status === "created") this.#runIds.push(created.runId);
    return { status: created.status, run: this.numberOf(created.runId) };
  }

  async #open(
    { agent, capacity }: Extract<Command, { do: "open" }>,
    nowMs: number,
  ): Promise<unknown> {
    const agentId = this.#place.agentIds[agent] ?? "";
    const session = { agentId, poolId: this.#place.poolId, capacity, leaseMs: LEASE_MS };
    const { sessionId, epoch } = await this.#store.openSession(session, nowMs);
    this.#sessions.push({ id: sessionId, agent });
    return { epoch };
  }

  async #claim(command: ClaimRef, nowMs: number): Promise<unknown> {
    const claimed = await this.#store.claimRuns(this.#asked(command), nowMs);
    return typeof claimed === "string" ? claimed : this.#leased(claimed);
  }

  #asked({ session, agent, id, max }: ClaimRef): Claim {
    return { ...this.#session(session, agent), claimRequestId: id, max };
  }

  #leased(leases: readonly Leased[]): unknown[] {
    return leases.map(({ runId, epoch, leaseToken, inputs }) => {
      const run = this.numberOf(runId);
      const key = `${run} ${epoch}`;
      const isRepeated = this.#tokens.get(key) === leaseToken;
      if (!this.#tokens.has(key)) this.#leases.push({ run, epoch });
      this.#tokens.set(key, leaseToken);
      return { run, epoch, isRepeated, inputs };
    });
  }

  #item({ run, epoch, token, ...step }: ReportRefOf): ReportedTransition {
    return { ...this.#fence({ run, epoch, token }), ...step };
  }

  #fence({ run, epoch, token }: Pick<ReportRefOf, "run" | "epoch" | "token">): Fence {
    const known = this.#tokens.get(`${run} ${epoch}`);
    const leaseToken = token === "right" && known !== undefined ? known : "0".repeat(32);
    return { runId: this.#runId(run), epoch, leaseToken };
  }

  #session(session: number, agent?: number): { sessionId: string; agentId: string } {
    const found = this.#sessions[session];
    const agentId = this.#place.agentIds[agent ?? found?.agent ?? 0] ?? "";
    return { sessionId: found?.id ?? NO_SUCH_ID, agentId };
  }

  #actor(agent: number): Actor {
    return { kind: "agent", id: this.#place.agentIds[agent] ?? null };
  }

  #runId(run: number): string {
    return this.#runIds[run] ?? NO_SUCH_ID;
  }

  #moved(moved: readonly Moved[]): unknown[] {
    return moved
      .map(({ runId, ...step }) => ({ run: this.numberOf(runId), ...step }))
      .toSorted((one, other) => one.run - other.run);
  }
}

type ReportRefOf = Extract<Command, { do: "report" }>["items"][number];
