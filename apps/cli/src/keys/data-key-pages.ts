import type { Client } from "@downbeat/client";
import type { WrappedDataKey } from "@downbeat/contract";

/** All stored data keys, a page at a time. */
export async function* dataKeyPages(client: Client): AsyncGenerator<readonly WrappedDataKey[]> {
  for (let after: string | null | undefined; after !== null;) {
    const query = after === undefined ? {} : { after };
    const page = await client.call("listDataKeys", { query });
    yield page.items;
    after = page.nextAfter;
  }
}
