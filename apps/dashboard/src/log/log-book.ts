import type { LogChunk, WrappedDataKey } from "@downbeat/contract";

/** A stretch of a run's log: a chunk that is there, or a gap between chunks that are. */
export type LogSlot =
  | { readonly kind: "chunk"; readonly key: string; readonly chunk: LogChunk }
  | {
      readonly kind: "missing";
      readonly key: string;
      readonly epoch: number;
      readonly firstSequence: number;
      readonly lastSequence: number;
    };

/** Each attempt of a run numbers its chunks from here. */
const FIRST_SEQUENCE = 0;

/** The chunks of one run's log, in order, however they arrived; what lies between them and is not there is a slot too. */
export class LogBook {
  readonly #chunks = new Map<string, LogChunk>();
  readonly #dataKeys = new Map<string, WrappedDataKey>();

  /** @returns whether anything was new. */
  add(chunks: readonly LogChunk[], dataKeys: readonly WrappedDataKey[]): boolean {
    const countBefore = this.#chunks.size;
    for (const dataKey of dataKeys) this.#dataKeys.set(dataKey.id, dataKey);
    for (const chunk of chunks) this.#chunks.set(placeOf(chunk), chunk);
    return this.#chunks.size > countBefore;
  }

  dataKeys(): WrappedDataKey[] {
    return [...this.#dataKeys.values()];
  }

  slots(): LogSlot[] {
    const slots: LogSlot[] = [];
    let before: LogChunk | undefined;
    for (const chunk of this.#inOrder()) {
      const expected = before?.epoch === chunk.epoch ? before.sequence + 1 : FIRST_SEQUENCE;
      if (chunk.sequence > expected) slots.push(gap(chunk.epoch, expected, chunk.sequence - 1));
      slots.push({ kind: "chunk", key: placeOf(chunk), chunk });
      before = chunk;
    }
    return slots;
  }

  hasGaps(): boolean {
    return this.slots().some(({ kind }) => kind === "missing");
  }

  /** The place after which the first gap begins, for reading it again; undefined: from the start. */
  beforeFirstGap(): string | undefined {
    const slots = this.slots();
    const index = slots.findIndex(({ kind }) => kind === "missing");
    return slots[index - 1]?.key;
  }

  #inOrder(): LogChunk[] {
    return [...this.#chunks.values()].toSorted(
      (a, b) => a.epoch - b.epoch || a.sequence - b.sequence,
    );
  }
}

/** "epoch.sequence", as the API's `after` takes it. */
function placeOf({ epoch, sequence }: LogChunk): string {
  return `${epoch}.${sequence}`;
}

function gap(epoch: number, firstSequence: number, lastSequence: number): LogSlot {
  return {
    kind: "missing",
    key: `gap ${epoch}.${firstSequence}`,
    epoch,
    firstSequence,
    lastSequence,
  };
}
