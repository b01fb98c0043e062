import type { Client } from "@downbeat/client";

export type Amount = {
  readonly count: number;
  readonly batch: number;
  readonly lanes: number;
  /** ISO 8601; default: now. */
  readonly scheduledFor?: string;
};

/** Makes runs of the flow `bench` in requests of so many, in lanes side by side. */
export async function createRuns(
  client: Client,
  { count, batch, lanes, scheduledFor }: Amount,
): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      const size = Math.min(batch, left);
      left -= size;
      const runs = Array.from({ length: size }, () => ({ flowName: "bench", scheduledFor }));
      await client.call("createRuns", { body: { runs, returning: "ids" } });
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
