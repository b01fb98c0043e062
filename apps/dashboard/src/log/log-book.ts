import type { LogChunk, LogManifestPart, WrappedDataKey } from "@downbeat/contract";

/** A chunk of a run's log and its key among them, which is "epoch.sequence", as the API's `after` takes it. */
export type LogSlot = { readonly key: string; readonly chunk: LogChunk };

/** Each attempt of a run numbers its chunks from here. */
const FIRST_SEQUENCE = 0;

/** The chunks of one run's log, in order, however they arrived, and the sealed lists of what there should be. */
export class LogBook {
  readonly #chunks = new Map<string, LogChunk>();
  readonly #manifests = new Map<string, LogManifestPart>();
  readonly #dataKeys = new Map<string, WrappedDataKey>();

  /** What is here already stays: a place has one chunk. */
  add(chunks: readonly LogChunk[], dataKeys: readonly WrappedDataKey[]): void {
    this.#addKeys(dataKeys);
    for (const chunk of chunks) {
      const key = placeOf(chunk);
      if (!this.#chunks.has(key)) this.#chunks.set(key, chunk);
    }
  }

  addManifests(parts: readonly LogManifestPart[], dataKeys: readonly WrappedDataKey[]): void {
    this.#addKeys(dataKeys);
    for (const part of parts) this.#manifests.set(`${part.epoch}.${part.part}`, part);
  }

  dataKeys(): WrappedDataKey[] {
    return [...this.#dataKeys.values()];
  }

  manifests(): LogManifestPart[] {
    return [...this.#manifests.values()];
  }

  slots(): LogSlot[] {
    return [...this.#chunks]
      .map(([key, chunk]) => ({ key, chunk }))
      .toSorted((a, b) => a.chunk.epoch - b.chunk.epoch || a.chunk.sequence - b.chunk.sequence);
  }

  hasGaps(): boolean {
    const slots = this.slots();
    return firstGap(slots) < slots.length;
  }

  /** The place after which the first gap begins, for reading it again; undefined: from the start. */
  beforeFirstGap(): string | undefined {
    const slots = this.slots();
    return slots[firstGap(slots) - 1]?.key;
  }

  #addKeys(dataKeys: readonly WrappedDataKey[]): void {
    for (const dataKey of dataKeys) this.#dataKeys.set(dataKey.id, dataKey);
  }
}

function placeOf({ epoch, sequence }: LogChunk): string {
  return `${epoch}.${sequence}`;
}

/** The index of the first chunk before which another is missing; as many as there are, if none is. */
function firstGap(slots: readonly LogSlot[]): number {
  const index = slots.findIndex(({ chunk }, at) => {
    const before = slots[at - 1]?.chunk;
    const expected = before?.epoch === chunk.epoch ? before.sequence + 1 : FIRST_SEQUENCE;
    return chunk.sequence > expected;
  });
  return index < 0 ? slots.length : index;
}
