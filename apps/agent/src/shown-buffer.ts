import { LARGEST_CONTENT_BYTES, MOST_SHOWN } from "@downbeat/contract";
import { shownKey } from "@downbeat/sdk/protocol";
import type { WorkerEvent } from "./launchers/worker-message.ts";

export type ShownEvent = Extract<WorkerEvent, { kind: "artifact" | "metric" }>;

export type ShownBufferOptions = {
  /** Takes what is new, each thing once; called at most every {@link FLUSH_MS}. */
  readonly onBatch: (events: readonly ShownEvent[]) => void;
  /** While true, newer versions take the place of those that wait. */
  readonly isHeldBack: () => boolean;
  /** Hears what was left out, in words. */
  readonly tell: (text: string) => void;
};

const FLUSH_MS = 250;
// Room for key, title and what takes the place of secrets, under the limit of a sealed artifact.
const LARGEST_EVENT_BYTES = LARGEST_CONTENT_BYTES + 48 * 1024;

/** Gathers what one run shows: of each artifact and metric the newest version. User code can send anything at any rate. */
export class ShownBuffer {
  readonly #options: ShownBufferOptions;
  readonly #waiting = new Map<string, ShownEvent>();
  readonly #seen = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ShownBufferOptions) {
    this.#options = options;
  }

  add(event: ShownEvent): void {
    const key = shownKey(event);
    const flaw = this.#flawOf(event, key);
    if (flaw !== undefined) return this.#options.tell(flaw);
    this.#seen.add(key);
    this.#waiting.set(key, event);
    this.#timer ??= setTimeout(() => this.#tick(), FLUSH_MS);
  }

  /** Hands on what there is, held back or not: nothing newer comes. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const events = [...this.#waiting.values()];
    this.#waiting.clear();
    if (events.length > 0) this.#options.onBatch(events);
  }

  #tick(): void {
    if (!this.#options.isHeldBack()) return this.close();
    this.#timer = setTimeout(() => this.#tick(), FLUSH_MS);
  }

  #flawOf(event: ShownEvent, key: string): string | undefined {
    // The SDK keeps to a thousand of each kind and says so; this is for whatever goes past it.
    if (this.#seen.size >= 2 * MOST_SHOWN && !this.#seen.has(key))
      return "Too many artifacts and metrics; one is left out.";
    if (event.kind === "metric") return undefined;
    const bytes = Buffer.byteLength(JSON.stringify(event));
    return bytes <= LARGEST_EVENT_BYTES ? undefined : `An artifact of ${bytes} bytes is left out.`;
  }
}
