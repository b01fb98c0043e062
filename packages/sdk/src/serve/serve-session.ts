import type { Client } from "@downbeat/client";
import type { Intervals, RouteInput, ROUTES } from "@downbeat/contract";
import { isDownbeatError } from "@downbeat/contract/errors";

type SessionBody = RouteInput<(typeof ROUTES)["openSession"]>["body"];

export type ServeSessionOptions = {
  readonly client: Pick<Client, "call">;
  /** What the session is opened with, asked anew each time. */
  readonly describe: () => Omit<SessionBody, "endedSessionIds">;
};

const ENDED = new Set<string>(["session_ended", "fenced", "not_found"]);

/** The life of a serving process as the plane knows it. When the plane has ended it, another is opened. */
export class ServeSession {
  readonly #options: ServeSessionOptions;
  #id = "";
  intervals: Intervals = {
    leaseSeconds: 45,
    heartbeatSeconds: 15,
    reconnectWindowSeconds: 300,
    claimHoldSeconds: 25,
  };
  #opening: Promise<void> | undefined;

  constructor(options: ServeSessionOptions) {
    this.#options = options;
  }

  get id(): string {
    return this.#id;
  }

  /** @throws DownbeatError what the API answers, `unreachable` */
  open(endedSessionIds: string[]): Promise<void> {
    this.#opening ??= this.#open(endedSessionIds).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /**
   * After a call of the session `sessionId` has failed: opens another session if that was what the error said. Resolves with
   * whether there is a new one. Never rejects.
   */
  async renewAfter(error: unknown, sessionId: string): Promise<boolean> {
    if (!isDownbeatError(error) || !ENDED.has(error.code)) return false;
    // The other loop may have done so meanwhile; what it opened must not be ended.
    if (this.#id !== sessionId) return true;
    return this.open([sessionId]).then(
      () => true,
      () => false,
    );
  }

  async #open(endedSessionIds: string[]): Promise<void> {
    const { client, describe } = this.#options;
    const body = { ...describe(), endedSessionIds };
    const { sessionId, intervals } = await client.call("openSession", { body });
    this.#id = sessionId;
    this.intervals = intervals;
  }
}
