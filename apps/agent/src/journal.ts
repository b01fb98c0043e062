import type { Fence } from "@downbeat/sdk/protocol";
import { z } from "zod";
import { CrashCall } from "./crash-call.ts";
import type { ProcessGroup } from "./process-group.ts";
import type { Store, StoreOperation } from "./store.ts";

const HeardCrash = z.object({ call: CrashCall, logPlaces: z.int() });
const StartedRun = z.object({
  runId: z.string(),
  epoch: z.number(),
  leaseToken: z.string(),
  /** It has hooks that hear of a crash. */
  crash: HeardCrash.optional(),
});
const Group = z.object({ pid: z.number(), birth: z.string() });

/** A run that was started and whose end is not in the outbox. */
export type StartedRun = z.infer<typeof StartedRun>;

/** How to call the hooks of a run that crashes, and how many places in its log are taken. */
export type HeardCrash = z.infer<typeof HeardCrash>;

/** What an agent finds of the one before it. */
export type Remains = {
  readonly runs: readonly StartedRun[];
  readonly groups: readonly ProcessGroup[];
  readonly sessionIds: readonly string[];
};

/** What a successor must know if this agent dies: sessions, started runs, child processes. */
export class Journal {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Call before user code starts. */
  runStarted({ runId, epoch, leaseToken }: Fence): Promise<void> {
    return this.#store.writeLoosely([put(`run!${runId}`, { runId, epoch, leaseToken })]);
  }

  /** In place of what {@link runStarted} wrote, for a run with hooks that hear of a crash. */
  crashHeard({ runId, epoch, leaseToken }: Fence, crash: HeardCrash): StoreOperation {
    return put(`run!${runId}`, { runId, epoch, leaseToken, crash });
  }

  write(operations: readonly StoreOperation[]): Promise<void> {
    return this.#store.writeLoosely(operations);
  }

  /** To be written together with the run's terminal report, so that one of the two is always there. */
  runEnded(runId: string): StoreOperation {
    return { type: "del", key: `run!${runId}` };
  }

  /** For a run whose end is not ours to report. */
  forget(runId: string): Promise<void> {
    return this.#store.writeLoosely([this.runEnded(runId)]);
  }

  groupStarted(group: ProcessGroup): Promise<void> {
    return this.#store.writeLoosely([put(`group!${group.pid}`, group)]);
  }

  groupEnded(pid: number): Promise<void> {
    return this.#store.writeLoosely([{ type: "del", key: `group!${pid}` }]);
  }

  sessionOpened(sessionId: string): Promise<void> {
    return this.#store.writeLoosely([put(`session!${sessionId}`, sessionId)]);
  }

  sessionsEnded(sessionIds: readonly string[]): Promise<void> {
    return this.#store.writeLoosely(
      sessionIds.map((id) => ({ type: "del", key: `session!${id}` })),
    );
  }

  async remains(): Promise<Remains> {
    const [runs, groups, sessions] = await Promise.all([
      this.#all("run"),
      this.#all("group"),
      this.#all("session"),
    ]);
    return {
      runs: runs.map((run) => StartedRun.parse(run)),
      groups: groups.map((group) => Group.parse(group)),
      sessionIds: sessions.map((id) => z.string().parse(id)),
    };
  }

  async #all(kind: string): Promise<unknown[]> {
    const found = await this.#store.entries({ gte: `${kind}!`, lt: `${kind}"` });
    return found.map(([, value]): unknown => JSON.parse(value));
  }
}

function put(key: string, value: unknown): StoreOperation {
  return { type: "put", key, value: JSON.stringify(value) };
}
