import type { ArtifactDetail, ArtifactItem, MetricItem } from "@downbeat/contract";
import { shownKey } from "../artifacts/shown.ts";
import type { MetricEvent } from "../run-host.ts";
import type { Fence, ItemSealer } from "./item-sealer.ts";

type ArtifactShown = { readonly kind: "artifact" } & ArtifactDetail;

/** Turns what one attempt shows into report items, artifacts sealed; numbers them, so that the newest of each stands. */
export class ShownItems {
  readonly #fence: Fence;
  readonly #sealer: ItemSealer | undefined;
  #sequence: number;

  /**
   * @param sealer undefined: artifacts are left out, and only what is public becomes an item
   * @param from the first number; more than another process can have used, where one has
   */
  constructor({ runId, epoch, leaseToken }: Fence, sealer: ItemSealer | undefined, from = 0) {
    this.#fence = { runId, epoch, leaseToken };
    this.#sealer = sealer;
    this.#sequence = from;
  }

  /** Of versions of the same thing only the newest. */
  async of(
    events: readonly (ArtifactShown | MetricEvent)[],
  ): Promise<(ArtifactItem | MetricItem)[]> {
    const newest = new Map(events.map((event) => [shownKey(event), event]));
    const items = await Promise.all([...newest.values()].map((event) => this.#item(event)));
    return items.filter((item) => item !== undefined);
  }

  async #item(event: ArtifactShown | MetricEvent): Promise<ArtifactItem | MetricItem | undefined> {
    return event.kind === "metric"
      ? { ...event, ...this.#fence, sequence: this.#sequence++ }
      : this.#artifact(event);
  }

  async #artifact({ kind, ...detail }: ArtifactShown): Promise<ArtifactItem | undefined> {
    if (this.#sealer === undefined) return undefined;
    const { runId: run, epoch } = this.#fence;
    const sequence = this.#sequence++;
    const [keyTag, sealed] = await Promise.all([
      this.#sealer.tagArtifactKey(run, detail.key),
      this.#sealer.seal({ kind, run, epoch, seq: sequence }, detail satisfies ArtifactDetail),
    ]);
    return { kind, ...this.#fence, keyTag, sequence, detail: sealed };
  }
}
