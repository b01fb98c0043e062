import type { Client } from "@downbeat/client";
import type { WrappedDataKey } from "@downbeat/contract";
import { type Keyring, rewrapDataKey } from "@downbeat/seal";
import { asDownbeatError } from "../report-error.ts";
import { dataKeyPages } from "./data-key-pages.ts";

export type Rewrapped = {
  readonly rewrapped: number;
  /** Were wrapped for the current key already. */
  readonly unchanged: number;
  readonly unreadable: readonly { readonly id: string; readonly reason: string }[];
};

/**
 * Wraps every stored data key for the current workspace key, a page at a time. What is done stays done: called again it
 * goes on with what is left.
 */
export async function rewrapDataKeys(client: Client, keyring: Keyring): Promise<Rewrapped> {
  let [rewrapped, unchanged] = [0, 0];
  const unreadable: { id: string; reason: string }[] = [];
  for await (const page of dataKeyPages(client)) {
    const renewed: WrappedDataKey[] = [];
    for (const wrapped of page) {
      try {
        const anew = await rewrapDataKey(keyring, wrapped);
        if (anew === undefined) unchanged += 1;
        else renewed.push(anew);
      } catch (error) {
        unreadable.push({ id: wrapped.id, reason: asDownbeatError(error).message });
      }
    }
    if (renewed.length === 0) continue;
    rewrapped += (await client.call("rewrapDataKeys", { body: { dataKeys: renewed } })).rewrapped;
  }
  return { rewrapped, unchanged, unreadable };
}
