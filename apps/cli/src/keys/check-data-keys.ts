import type { Client } from "@downbeat/client";
import { keyProvider, type Keyring } from "@downbeat/seal";
import { asDownbeatError } from "../report-error.ts";
import { dataKeyPages } from "./data-key-pages.ts";

export type DataKeyCheck = {
  readonly tried: number;
  readonly opened: number;
  /** Opened, but made by someone who need not hold the workspace key. */
  readonly untagged: number;
  readonly unreadable: readonly { readonly id: string; readonly reason: string }[];
};

/** Opens up to `most` of the stored data keys, and says which do not open and why. */
export async function checkDataKeys(
  client: Client,
  keyring: Keyring,
  most: number,
): Promise<DataKeyCheck> {
  const provider = keyProvider(keyring.workspaceId, () => keyring);
  let [tried, untagged] = [0, 0];
  const unreadable: { id: string; reason: string }[] = [];
  for await (const page of dataKeyPages(client)) {
    for (const wrapped of page.slice(0, most - tried)) {
      tried += 1;
      try {
        if (!(await provider.unwrap(wrapped)).authentic) untagged += 1;
      } catch (error) {
        unreadable.push({ id: wrapped.id, reason: asDownbeatError(error).message });
      }
    }
    if (tried >= most) break;
  }
  return { tried, opened: tried - unreadable.length, untagged, unreadable };
}
