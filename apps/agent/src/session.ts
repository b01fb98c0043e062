import type { Caller } from "@downbeat/client";
import { isDownbeatError, type Intervals, type WrappedDataKey } from "@downbeat/contract";
import type { Logger } from "pino";
import type { Journal } from "./journal.ts";
import type { PlaneWatch } from "./plane-watch.ts";
import { retrying } from "./retrying.ts";

export type SessionOptions = {
  readonly client: Pick<Caller, "call">;
  readonly journal: Journal;
  readonly logger: Logger;
  readonly capacity: number;
  readonly queueNames: readonly string[];
  /** What this agent can do; a deployment may require some. */
  readonly labels: readonly string[];
  readonly version: string;
  /** What the agent seals with now. */
  readonly dataKey: () => WrappedDataKey;
  readonly watch: PlaneWatch;
  readonly signal: AbortSignal;
  /** A session was opened by a request sent then. */
  readonly onOpened: (sentAtMs: number, leaseSeconds: number) => void;
};

/** This agent's life as the plane knows it. When the plane has ended it, the agent opens another and goes on. */
export class Session {
  readonly #options: SessionOptions;
  #id = "";
  #intervals: Intervals = {
    leaseSeconds: 45,
    heartbeatSeconds: 15,
    reconnectWindowSeconds: 300,
    claimHoldSeconds: 25,
  };
  #opening: Promise<void> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get id(): string {
    return this.#id;
  }

  get intervals(): Intervals {
    return this.#intervals;
  }

  set intervals(intervals: Intervals) {
    this.#intervals = intervals;
  }

  /**
   * Opens a session, however long the plane is away.
   *
   * @param endedSessionIds sessions that are known to be over
   */
  open(endedSessionIds: readonly string[]): Promise<void> {
    this.#opening ??= this.#open(endedSessionIds).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** After an error: opens another session if that was what it said. True when there is a new one. */
  async renewAfter(error: unknown, sessionId: string): Promise<boolean> {
    if (!isDownbeatError(error) || !ENDED.has(error.code)) return false;
    if (this.#id === sessionId) await this.open([sessionId]);
    return true;
  }

  async #open(endedSessionIds: readonly string[]): Promise<void> {
    const { client, journal, logger, watch, signal, capacity, version, dataKey } = this.#options;
    const body = {
      capacity,
      queueNames: [...this.#options.queueNames],
      labels: [...this.#options.labels],
      version,
      dataKeys: [dataKey()],
      endedSessionIds: endedSessionIds.slice(-MOST_ENDED),
    };
    let sentAtMs = 0;
    const open = () => {
      sentAtMs = performance.now();
      return client.call("openSession", { body }, { signal });
    };
    const failure = "no session can be opened yet";
    const { sessionId, intervals } = await retrying(open, { watch, failure, signal });
    this.#id = sessionId;
    this.#intervals = intervals;
    this.#options.onOpened(sentAtMs, intervals.leaseSeconds);
    await Promise.all([journal.sessionOpened(sessionId), journal.sessionsEnded(endedSessionIds)]);
    logger.info({ sessionId }, "session open");
  }
}

const ENDED = new Set<string>(["session_ended", "fenced", "not_found"]);
const MOST_ENDED = 100;
