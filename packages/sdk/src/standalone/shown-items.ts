import type {
  ArtifactDetail,
  ArtifactItem,
  MetricItem,
  StandaloneAnswer,
} from "@downbeat/contract";
import { artifactKeyTag, sealJson } from "@downbeat/seal";
import { shownKey } from "../artifacts/shown.ts";
import type { ArtifactEvent, ShownEvent } from "../run-host.ts";
import type { Sealer } from "./recorder.ts";

type Fence = Pick<StandaloneAnswer, "runId" | "epoch" | "leaseToken">;

/** Turns what one run shows into report items, artifacts sealed. */
export class ShownItems {
  readonly #fence: Fence;
  readonly #sealer: Pick<Sealer, "full">;
  #sequence = 0;

  constructor({ runId, epoch, leaseToken }: Fence, sealer: Pick<Sealer, "full">) {
    this.#fence = { runId, epoch, leaseToken };
    this.#sealer = sealer;
  }

  /** Of versions of the same thing only the newest. Without the workspace key only what is public. */
  async of(events: readonly ShownEvent[]): Promise<(ArtifactItem | MetricItem)[]> {
    const newest = new Map(events.map((event) => [shownKey(event), event]));
    const items = await Promise.all([...newest.values()].map((event) => this.#item(event)));
    return items.filter((item) => item !== undefined);
  }

  async #item(event: ShownEvent): Promise<ArtifactItem | MetricItem | undefined> {
    const sequence = this.#sequence++;
    return event.kind === "metric"
      ? { ...event, ...this.#fence, sequence }
      : this.#artifact(event, sequence);
  }

  async #artifact(
    { kind, ...detail }: ArtifactEvent,
    sequence: number,
  ): Promise<ArtifactItem | undefined> {
    const { full } = this.#sealer;
    if (full === undefined) return undefined;
    const { runId: run, epoch } = this.#fence;
    const place = { kind, run, epoch, seq: sequence };
    const [keyTag, sealed] = await Promise.all([
      artifactKeyTag(full.keyring, { run, key: detail.key }),
      sealJson(full.dataKey, place, detail satisfies ArtifactDetail),
    ]);
    return { kind, ...this.#fence, keyTag, sequence, detail: sealed };
  }
}
