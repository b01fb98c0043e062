import { MOST_SHOWN } from "@downbeat/contract/artifact-limits";
import type { ArtifactEvent, MetricEvent, ShownEvent } from "../run-host.ts";

export type ShownOptions = {
  readonly emit: (event: ShownEvent) => void;
  /** Is told, once for each kind, that something is not shown because there is too much already. */
  readonly onTooMany: (text: string) => void;
};

// A bar that moves once a second looks alive, and a tight loop costs no more than that.
const EVERY_MS = 1_000;

type Place = {
  shownAtMs: number;
  waiting: { readonly event: ShownEvent; readonly atMs: number } | undefined;
};

/**
 * What one run shows, on its way out: of each artifact and metric the newest version, at most one a second. Holds one
 * version of each and no more.
 */
export class Shown {
  readonly #options: ShownOptions;
  readonly #places = new Map<string, Place>();
  readonly #counts = { artifact: 0, metric: 0 };
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ShownOptions) {
    this.#options = options;
  }

  /** @param nowMs by the clock of the run */
  show(event: ShownEvent, nowMs: number): void {
    const place = this.#placeOf(event);
    if (place === undefined) return;
    if (nowMs - place.shownAtMs >= EVERY_MS) {
      place.shownAtMs = nowMs;
      place.waiting = undefined;
      return this.#options.emit(event);
    }
    place.waiting = { event, atMs: nowMs };
    // Nothing waits for the timer: the end of the run, or of the thread, flushes.
    this.#timer ??= setTimeout(() => this.flush(), EVERY_MS).unref();
  }

  /** Shows what waits. To be called before the run ends or its process does. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const place of this.#places.values()) {
      if (place.waiting === undefined) continue;
      const { event, atMs } = place.waiting;
      place.shownAtMs = atMs;
      place.waiting = undefined;
      this.#options.emit(event);
    }
  }

  #placeOf(event: ShownEvent): Place | undefined {
    const key = shownKey(event);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.#counts[event.kind] += 1;
    if (this.#counts[event.kind] > MOST_SHOWN) return this.#tooMany(event);
    const place = { shownAtMs: Number.NEGATIVE_INFINITY, waiting: undefined };
    this.#places.set(key, place);
    return place;
  }

  #tooMany({ kind }: ShownEvent): undefined {
    if (this.#counts[kind] !== MOST_SHOWN + 1) return;
    this.#options.onTooMany(
      `this run has ${MOST_SHOWN} ${kind}s already; further ones are left out`,
    );
  }
}

/** Two events of one key are versions of the same thing. */
export function shownKey(
  event: Pick<ArtifactEvent, "kind" | "key"> | Pick<MetricEvent, "kind" | "name">,
): string {
  return event.kind === "artifact" ? `artifact ${event.key}` : `metric ${event.name}`;
}
