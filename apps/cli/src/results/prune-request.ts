/** What of a storage is to go. */
export type PruneRequest = {
  readonly parts: readonly ("runs" | "cache")[];
  readonly olderThanMs: number;
  /** Only counts. */
  readonly dryRun: boolean;
};

/** {@link PruneRequest} for a storage that a module of the project exports. */
export type PruneExported = PruneRequest & { readonly path: string; readonly exportName: string };

export type PruneAnswer =
  | { readonly count: number; readonly bytes: number }
  | { readonly error: string };
