import type { Caller } from "@downbeat/client";
import type { Intervals } from "@downbeat/contract";

/** What the loops of a process that takes runs share: its session, and what they know about the plane's being away. */
export type SessionLink = {
  readonly client: Pick<Caller, "call">;
  readonly session: {
    readonly id: string;
    /** As the plane last said them. */
    intervals: Intervals;
    /** After a call of that session has failed: opens another if the error says so. True when there is a new one. */
    renewAfter(error: unknown, sessionId: string): Promise<boolean>;
  };
  readonly watch: {
    reached(): void;
    /** A call failed for the `failures`-th time in a row. */
    failed(error: unknown, failures: number, message: string): void;
    /** Resolves after the time or earlier, when the plane is back or the signal aborts. */
    pause(delayMs: number, signal: AbortSignal): Promise<void>;
  };
};
