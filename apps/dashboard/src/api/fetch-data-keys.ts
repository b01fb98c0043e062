import type { Caller } from "@downbeat/client/caller";
import type { WrappedDataKey } from "@downbeat/contract";

/** Most ids that one call takes. */
const IDS_PER_CALL = 100;

/** Fetches wrapped data keys, in as many calls as it takes. */
export async function fetchDataKeys(
  caller: Caller,
  ids: readonly string[],
): Promise<WrappedDataKey[]> {
  const batches = Array.from({ length: Math.ceil(ids.length / IDS_PER_CALL) }, (_, index) =>
    ids.slice(index * IDS_PER_CALL, (index + 1) * IDS_PER_CALL),
  );
  const answers = await Promise.all(
    batches.map((batch) => caller.call("readDataKeys", { query: { ids: batch } })),
  );
  return answers.flatMap(({ dataKeys }) => dataKeys);
}
