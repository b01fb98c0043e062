import type { NewSession } from "./store.ts";

export type MemorySession = NewSession & {
  readonly sessionId: string;
  tick: number;
  leaseExpiresAtMs: number;
  endedAtMs: number | null;
};

/** The sessions of the in-memory store. */
export class MemorySessions {
  readonly #sessions = new Map<string, MemorySession>();

  open(session: NewSession, nowMs: number): { sessionId: string; epoch: number } {
    const sessionId = `session-${String(this.#sessions.size + 1).padStart(4, "0")}`;
    const earlier = this.all().filter(({ agentId }) => agentId === session.agentId);
    const leaseExpiresAtMs = nowMs + session.leaseMs;
    this.#sessions.set(sessionId, {
      ...session,
      sessionId,
      tick: -1,
      leaseExpiresAtMs,
      endedAtMs: null,
    });
    return { sessionId, epoch: earlier.length + 1 };
  }

  /** A session that has not ended, of that agent. */
  findOpen(sessionId: string, agentId: string): MemorySession | undefined {
    const session = this.#sessions.get(sessionId);
    const isOpen = session?.agentId === agentId && session.endedAtMs === null;
    return isOpen ? session : undefined;
  }

  get(sessionId: string | null): MemorySession | undefined {
    return sessionId === null ? undefined : this.#sessions.get(sessionId);
  }

  all(): MemorySession[] {
    return [...this.#sessions.values()];
  }
}
