import type { Prisma } from "./generated/client.ts";

type Transacting = {
  readonly prisma: Prisma.TransactionClient;
  /**
   * Says that the next raw statement is the last one: COMMIT then travels with it, which saves a round trip. Whatever
   * throws after it comes too late to roll back.
   */
  readonly ends: () => void;
};

export type WorkspaceContext = {
  readonly workspaceId: string;
  /**
   * When the commit reaches the disk. `at-once` (default): before it is answered. `later`: within a second, in order with
   * all others; a crash of the database may undo it, whole. Only for what whoever was answered proves again by a commit
   * that does wait, before anything rests on it (docs/adr/0007).
   */
  readonly flush?: "at-once" | "later";
};

/** Runs a callback in one transaction inside a workspace; commits when it returns, rolls back when it throws. */
export type InWorkspace = <T>(
  ctx: WorkspaceContext,
  work: (tx: WorkspaceTx) => Promise<T>,
) => Promise<T>;

/**
 * A transaction inside one workspace: row-level security shows it nothing else. Every function that takes one also names
 * `workspaceId` in its statements, so two independent walls stand between workspaces.
 */
export type WorkspaceTx = {
  readonly role: "workspace";
  readonly workspaceId: string;
  /**
   * Begins another transaction, independent of this one, that sees what this one commits and follows it without a round
   * trip in between. To be called once, right after the last statement ({@link Transacting.ends}) was sent; later, it
   * is a transaction like any other.
   */
  readonly behind: InWorkspace;
} & Transacting;

/** A transaction across workspaces for the engine's loops: moves runs along, reads nothing that is sealed. */
export type EngineTx = { readonly role: "engine" } & Transacting;

/** A transaction for look-ups before anyone is known, and for making workspaces. */
export type OperatorTx = { readonly role: "operator" } & Transacting;

export type Tx = WorkspaceTx;
