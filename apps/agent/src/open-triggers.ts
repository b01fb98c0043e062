import type { Client } from "@downbeat/client";
import { TriggerMaker } from "@downbeat/sdk/protocol";
import type { Opener } from "@downbeat/seal";
import { readSigningKey, signerOf } from "@downbeat/seal/node";
import type { AgentConfig } from "./config.ts";
import type { KeyWatch } from "./key-watch.ts";
import type { Sealer } from "./sealer.ts";

export type TriggerParts = {
  readonly client: Client;
  readonly sealer: Sealer;
  readonly keys: KeyWatch;
  readonly opener: Opener;
  readonly nowMs: () => number;
};

/**
 * What checks, seals and, with a key of this agent's, signs the runs that its port and its flows trigger.
 *
 * @throws SealError when the signing key's file cannot be used
 */
export async function openTriggers(
  { signingKeyFile }: AgentConfig,
  { client, sealer, keys, opener, nowMs }: TriggerParts,
): Promise<TriggerMaker> {
  const { workspaceId } = keys.keyring;
  const signer =
    signingKeyFile === undefined ? undefined : await signerOf(await readSigningKey(signingKeyFile));
  return new TriggerMaker({
    readDeployment: (names) => client.call("readDeployment", { params: names }),
    seal: (context, value) => sealer.seal(context, value),
    opener,
    get keyring() {
      return keys.keyring; // another one after a rotation
    },
    signing: signer && { signer, workspaceId },
    nowMs,
  });
}
