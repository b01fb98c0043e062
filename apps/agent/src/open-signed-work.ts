import { DownbeatError } from "@downbeat/contract";
import { readSigners } from "@downbeat/sdk/protocol";
import type { TrustedSigners } from "@downbeat/seal/node";
import type { Logger } from "pino";
import type { AgentConfig } from "./config.ts";
import { SignedWork } from "./signed-work.ts";
import type { Store } from "./store.ts";

type Place = {
  readonly store: Store;
  readonly logger: Logger;
  /** As the key file has it. */
  readonly workspaceId: string;
};

/**
 * What lets only signed work pass; undefined when signatures are not asked for.
 *
 * @throws DownbeatError `configuration_invalid` when it is not known whose signatures count
 */
export async function openSignedWork(
  { requireSigned, signersFile, pool }: AgentConfig,
  place: Place,
): Promise<SignedWork | undefined> {
  if (requireSigned === "off") return undefined;
  const signers = await signersFrom(signersFile);
  const keyIds = [...signers.keys()];
  place.logger.info({ keyIds, onRefusal: requireSigned }, "only signed work is run");
  const now = () => new Date();
  return new SignedWork({ ...place, signers, poolName: pool, now, onRefusal: requireSigned });
}

function signersFrom(path: string | undefined): Promise<TrustedSigners> {
  if (path !== undefined) return readSigners(path);
  throw new DownbeatError("configuration_invalid", {
    message:
      "DOWNBEAT_REQUIRE_SIGNED is set, but DOWNBEAT_SIGNERS_FILE names no keys whose work to run.",
  });
}
