import type { Lease, Sealed, SealedKind } from "@downbeat/contract";
import type { SealContext, SealOptions } from "@downbeat/seal";

/** What report items name, so that they count under the lease they were made for and under no other. */
export type Fence = Pick<Lease, "runId" | "epoch" | "leaseToken">;

/** Seals what goes into report items; a key that is renewed meanwhile is its own affair. */
export type ItemSealer = {
  seal<K extends SealedKind>(
    context: SealContext<K>,
    value: unknown,
    options?: SealOptions,
  ): Promise<Sealed<K>>;
  /** Stands for the key of an artifact in its run. */
  tagArtifactKey(run: string, key: string): Promise<string>;
};
