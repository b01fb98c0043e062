import type { Prisma } from "./generated/client.ts";

/**
 * A transaction inside one workspace: row-level security shows it nothing else. Every function that takes one also names
 * `workspaceId` in its statements, so two independent walls stand between workspaces.
 */
export type WorkspaceTx = {
  readonly role: "workspace";
  readonly workspaceId: string;
  readonly prisma: Prisma.TransactionClient;
};

/** A transaction across workspaces for the engine's loops: moves runs along, reads nothing that is sealed. */
export type EngineTx = { readonly role: "engine"; readonly prisma: Prisma.TransactionClient };

/** A transaction for look-ups before anyone is known, and for making workspaces. */
export type OperatorTx = { readonly role: "operator"; readonly prisma: Prisma.TransactionClient };

export type Tx = WorkspaceTx;
