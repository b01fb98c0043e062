import { createClient, type Client, type ClientOptions } from "@downbeat/client";
import type { EgressLedger } from "./egress-ledger.ts";

/** How this app talks to the plane: the one place that makes a client, so that nothing is sent past the ledger. */
export function createPlaneClient(
  options: Omit<ClientOptions, "onSend">,
  ledger: Pick<EgressLedger, "record">,
): Client {
  return createClient({ ...options, onSend: (sending) => ledger.record(sending) });
}
