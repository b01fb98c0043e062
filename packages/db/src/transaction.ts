import type { Prisma } from "./generated/client.ts";

type Transacting = {
  readonly prisma: Prisma.TransactionClient;
  /**
   * Says that the next raw statement is the last one: COMMIT then travels with it, which saves a round trip. Whatever
   * throws after it comes too late to roll back.
   */
  readonly ends: () => void;
};

/**
 * A transaction inside one workspace: row-level security shows it nothing else. Every function that takes one also names
 * `workspaceId` in its statements, so two independent walls stand between workspaces.
 */
export type WorkspaceTx = {
  readonly role: "workspace";
  readonly workspaceId: string;
} & Transacting;

/** A transaction across workspaces for the engine's loops: moves runs along, reads nothing that is sealed. */
export type EngineTx = { readonly role: "engine" } & Transacting;

/** A transaction for look-ups before anyone is known, and for making workspaces. */
export type OperatorTx = { readonly role: "operator" } & Transacting;

export type Tx = WorkspaceTx;
