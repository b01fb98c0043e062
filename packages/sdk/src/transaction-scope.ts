import { log } from "./log.ts";

/** A completed call of a task, for what its hooks have to do. */
export type CompletedCall<A extends readonly unknown[] = readonly unknown[], R = unknown> = {
  readonly taskName: string;
  readonly args: A;
  readonly result: R;
};

/** What becomes of a completed task when the transaction around it ends. Outside a transaction they are not called. */
export type TransactionHooks<A extends readonly unknown[] = never[], R = never> = {
  /** Everything in the transaction has completed. */
  readonly onCommit?: (call: CompletedCall<A, R>) => unknown;
  /** Something in the transaction failed: undo what this call did. */
  readonly onRollback?: (call: CompletedCall<A, R>) => unknown;
};

/** One thing to settle at the end. */
type Step = {
  readonly what: string;
  readonly commit: (() => unknown) | undefined;
  readonly rollback: (() => unknown) | undefined;
};

/** Keeps what a transaction has to settle, and settles it. */
export class TransactionScope {
  readonly #steps: Step[] = [];
  readonly #values = new Map<string, unknown>();
  #openTasks = 0;
  #whenDrained: (() => void)[] = [];
  #outcome: ((step: Step) => void) | undefined;

  /** Keeps a value for the hooks of this transaction. */
  set(key: string, value: unknown): void {
    this.#values.set(key, value);
  }

  get(key: string): unknown {
    return this.#values.get(key);
  }

  /** Adds something to do when the transaction commits, in order. */
  onCommit(commit: () => unknown): void {
    this.#add({ what: "an onCommit hook of a transaction", commit, rollback: undefined });
  }

  /** Adds something to undo when the transaction rolls back, last one first. */
  onRollback(rollback: () => unknown): void {
    this.#add({ what: "an onRollback hook of a transaction", commit: undefined, rollback });
  }

  taskOpened(): void {
    this.#openTasks += 1;
  }

  taskClosed(): void {
    this.#openTasks -= 1;
    if (this.#openTasks === 0) for (const resolve of this.#whenDrained.splice(0)) resolve();
  }

  taskCompleted(hooks: TransactionHooks, call: CompletedCall): void {
    const { onCommit, onRollback } = hooks as TransactionHooks<readonly unknown[], unknown>;
    this.#add({
      what: `a hook of task "${call.taskName}"`,
      commit: onCommit && (() => onCommit(call)),
      rollback: onRollback && (() => onRollback(call)),
    });
  }

  /** Resolves when no task called in the transaction is open. */
  drained(): Promise<void> {
    if (this.#openTasks === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenDrained.push(resolve));
  }

  /** Leaves the decision to the transaction around this one. */
  joinInto(outer: TransactionScope): void {
    for (const step of this.#steps) outer.#add(step);
    this.#outcome = (step) => outer.#add(step);
  }

  /** @throws what a commit hook throws, after everything was rolled back. */
  async commit(): Promise<void> {
    this.#outcome = (step) => void quietly(step.what, step.commit);
    try {
      for (const { commit } of this.#steps) await commit?.();
    } catch (error) {
      await this.rollBack();
      throw error;
    }
  }

  /** Never rejects: a hook that throws is logged, and the others still run. */
  async rollBack(): Promise<void> {
    this.#outcome = (step) => void quietly(step.what, step.rollback);
    for (const { what, rollback } of this.#steps.splice(0).toReversed())
      await quietly(what, rollback);
  }

  // A task that ends after its transaction follows what was decided.
  #add(step: Step): void {
    if (this.#outcome === undefined) this.#steps.push(step);
    else this.#outcome(step);
  }
}

async function quietly(what: string, hook: (() => unknown) | undefined): Promise<void> {
  try {
    await hook?.();
  } catch (error) {
    log.warn(`${what} failed`, { error });
  }
}
