import { blankFrame, currentFrame, inFrame } from "./frame.ts";
import { TransactionScope } from "./transaction-scope.ts";

/** The transaction around this code, as its body sees it. */
export type Transaction = Pick<TransactionScope, "set" | "get" | "onCommit" | "onRollback">;

/**
 * Runs `body`; when it rejects, the `onRollback` hooks of the tasks that completed in it are called, last one first, and
 * the error is thrown on. When it resolves, their `onCommit` hooks are called, first one first; one that throws rolls
 * everything back. A transaction inside another commits with that one, and rolls back alone or with it.
 *
 * @example
 * await transaction(async () => {
 *   const file = await writeFile(report); // task({ onRollback: ({ result }) => rm(result) }, …)
 *   await publish(file);
 * });
 */
export async function transaction<R>(
  body: (tx: Transaction) => R | PromiseLike<R>,
): Promise<Awaited<R>> {
  const frame = currentFrame() ?? blankFrame;
  const tx = new TransactionScope();
  // Hooks run whatever has become of the run: undoing half is what a cancelled run needs most.
  const afterwards = { ...frame, signal: undefined, transaction: undefined };
  try {
    const result = await inFrame({ ...frame, transaction: tx }, () => body(tx));
    await tx.drained();
    if (frame.transaction !== undefined) tx.joinInto(frame.transaction);
    else await inFrame(afterwards, () => tx.commit());
    return result;
  } catch (error) {
    await tx.drained();
    await inFrame(afterwards, () => tx.rollBack());
    throw error;
  }
}
