import { Epoch, Id, LeaseToken } from "./identifiers.ts";

/** Shows the right to write about one attempt of one run. */
export const fence = { runId: Id, epoch: Epoch, leaseToken: LeaseToken };
