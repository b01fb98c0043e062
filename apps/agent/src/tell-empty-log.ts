import type { ReportItem, ReportOutcome } from "@downbeat/contract";
import { LogItems } from "@downbeat/sdk/protocol";
import type { Logger } from "pino";
import type { Outbox } from "./outbox.ts";
import type { Sealer } from "./sealer.ts";

export type TellParts = {
  readonly outbox: Outbox;
  readonly sealer: Sealer;
  readonly logger: Logger;
};

/**
 * That a log is empty travels with the run's last report. When the plane does not take that (the run was ended by others
 * meanwhile), a manifest says it instead: it belongs to what happened, and is taken from leases that are over, too. Never
 * rejects.
 */
export async function tellEmptyLog(
  { outbox, sealer, logger }: TellParts,
  item: ReportItem,
  { status }: ReportOutcome,
): Promise<void> {
  if (item.kind !== "transition" || item.emptyLog === undefined || status === "accepted") return;
  const onLost = (error: unknown): void =>
    logger.error({ runId: item.runId, err: error }, "an item could not be sealed; it is dropped");
  try {
    await outbox.put(await new LogItems({ lease: item, sealer, onLost }).end());
  } catch (error) {
    onLost(error);
  }
}
