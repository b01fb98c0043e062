import type { AgentProcess } from "./agent-process.ts";

const OPEN_TIMEOUT_MS = 10_000;

/** This life of the agent as the plane knows it. When the plane has ended it, another is opened. */
export class Session {
  readonly #process: AgentProcess;
  readonly #capacity: number;
  #id = "";
  #opening: (() => void)[] | undefined;

  constructor(process: AgentProcess, capacity: number) {
    this.#process = process;
    this.#capacity = capacity;
  }

  get id(): string {
    return this.#id;
  }

  get isOpen(): boolean {
    return this.#id !== "";
  }

  /** Opens a session however long the plane is away. Asked again meanwhile, it waits for the same. */
  open(endedSessionIds: readonly string[], then: () => void): void {
    if (this.#opening !== undefined) return void this.#opening.push(then);
    this.#opening = [then];
    this.#try(endedSessionIds, 0);
  }

  /** After the plane called a session ended: opens another, unless that has been done. */
  renew(sessionId: string, then: () => void): void {
    if (this.#id === sessionId) this.open([sessionId], then);
    else then();
  }

  #try(endedSessionIds: readonly string[], failures: number): void {
    const { name, disk } = this.#process.world;
    const input = { endedSessionIds, capacity: this.#capacity };
    const logged = {
      input: { agentId: name, endedSessionIds },
      toOutput: (answer: { sessionId: string }) => answer,
    };
    this.#process.ask(
      { op: "open_session", input, timeoutMs: OPEN_TIMEOUT_MS, logged },
      (ending) => {
        if (!("ok" in ending))
          return void this.#process.backOff(failures, () =>
            this.#try(endedSessionIds, failures + 1),
          );
        this.#id = ending.ok.sessionId;
        disk.sessionIds.add(this.#id);
        for (const id of endedSessionIds) disk.sessionIds.delete(id);
        const waiting = this.#opening ?? [];
        this.#opening = undefined;
        for (const then of waiting) then();
      },
    );
  }
}
