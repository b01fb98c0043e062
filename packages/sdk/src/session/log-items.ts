import type { LogItem, LogManifestItem } from "@downbeat/contract";
import { LogManifestWriter, type ManifestPart, type SealOptions } from "@downbeat/seal";
import type { Fence, ItemSealer } from "./item-sealer.ts";

export type LogItemsOptions = {
  readonly lease: Fence;
  readonly sealer: Pick<ItemSealer, "seal">;
  /** Hears why a chunk could not be sealed: it does not travel, and the manifest says so. */
  readonly onLost: (error: unknown) => void;
  /** Places in the log that another process has taken. Default 0. */
  readonly placesBefore?: number | undefined;
};

/** Turns the log of one attempt into report items: sealed chunks, and the manifest that tells whether all are there. */
export class LogItems {
  readonly #fence: Fence;
  readonly #options: Pick<LogItemsOptions, "sealer" | "onLost">;
  readonly #manifest = new LogManifestWriter();
  #places = 0;

  constructor({ lease, placesBefore = 0, ...options }: LogItemsOptions) {
    const { runId, epoch, leaseToken } = lease;
    this.#fence = { runId, epoch, leaseToken };
    this.#options = options;
    while (this.#places < placesBefore) this.#takePlace();
  }

  /** How many places are taken. */
  get places(): number {
    return this.#places;
  }

  /** Whether nothing was logged: instead of a manifest, a tag in the last report can say so. */
  get isEmpty(): boolean {
    return this.#manifest.isEmpty;
  }

  /** Lines that will never be given to {@link of}. */
  leaveOut(lines: number): void {
    this.#manifest.leftOut(lines);
  }

  /** A chunk of these lines, with the part of the manifest that it fills. Chunks are in order of the calls. */
  async of(lines: readonly object[], options: SealOptions): Promise<(LogItem | LogManifestItem)[]> {
    const sequence = this.#takePlace();
    const item = await this.#chunk(lines, { ...options, sequence });
    const part =
      item === undefined
        ? this.#manifest.lost(sequence)
        : this.#manifest.sent(sequence, item.chunk);
    const parts = part === undefined ? [] : [await this.#part(part)];
    return item === undefined ? parts : [item, ...parts];
  }

  /** The parts of the manifest that are left. What is still being sealed counts as lost: wait for it before. */
  end(): Promise<LogManifestItem[]> {
    return Promise.all(this.#manifest.end().map((part) => this.#part(part)));
  }

  #takePlace(): number {
    this.#places += 1;
    return this.#manifest.takePlace();
  }

  async #chunk(
    lines: readonly object[],
    { sequence, ...options }: SealOptions & { readonly sequence: number },
  ): Promise<LogItem | undefined> {
    const { runId: run, epoch } = this.#fence;
    const { sealer, onLost } = this.#options;
    try {
      const chunk = await sealer.seal({ kind: "log", run, epoch, seq: sequence }, lines, options);
      return { kind: "log", ...this.#fence, sequence, lineCount: lines.length, chunk };
    } catch (error) {
      onLost(error);
      return undefined;
    }
  }

  async #part({ part, manifest }: ManifestPart): Promise<LogManifestItem> {
    const { runId: run, epoch } = this.#fence;
    const context = { kind: "log-manifest", run, epoch, seq: part } as const;
    const sealed = await this.#options.sealer.seal(context, manifest);
    return { kind: "log_manifest", ...this.#fence, part, manifest: sealed };
  }
}
