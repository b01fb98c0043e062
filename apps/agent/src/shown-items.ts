import type { ArtifactDetail, ArtifactItem, Lease, MetricItem } from "@downbeat/contract";
import type { Sealer } from "./sealer.ts";
import type { ShownEvent } from "./shown-buffer.ts";

/** Turns what one attempt shows into report items, artifacts sealed; numbers them, so that the newest of each stands. */
export class ShownItems {
  readonly #lease: Pick<Lease, "runId" | "epoch" | "leaseToken">;
  readonly #sealer: Pick<Sealer, "seal" | "tagArtifactKey">;
  #sequence = 0;

  constructor(lease: Lease, sealer: Pick<Sealer, "seal" | "tagArtifactKey">) {
    this.#lease = lease;
    this.#sealer = sealer;
  }

  of(events: readonly ShownEvent[]): Promise<(ArtifactItem | MetricItem)[]> {
    return Promise.all(events.map((event) => this.#item(event, this.#sequence++)));
  }

  async #item(event: ShownEvent, sequence: number): Promise<ArtifactItem | MetricItem> {
    const { runId, epoch, leaseToken } = this.#lease;
    const fence = { runId, epoch, leaseToken };
    if (event.kind === "metric") return { ...event, ...fence, sequence };
    const { kind, ...detail } = event;
    const place = { kind, run: runId, epoch, seq: sequence };
    const [keyTag, sealed] = await Promise.all([
      this.#sealer.tagArtifactKey(runId, detail.key),
      this.#sealer.seal(place, detail satisfies ArtifactDetail),
    ]);
    return { kind, ...fence, keyTag, sequence, detail: sealed };
  }
}
