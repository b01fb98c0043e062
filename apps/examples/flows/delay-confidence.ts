import { flow, log, task, threads } from "@downbeat/sdk";
import { z } from "zod";
import { readDataFile } from "../src/data-files.ts";

const Flights = z.array(z.object({ delay: z.number(), origin: z.string() }));

const readDelays = task({ name: "read-delays" }, async (origin: string) => {
  const flights = Flights.parse(JSON.parse(await readDataFile("flights-20k.json")));
  return flights.filter((flight) => flight.origin === origin).map(({ delay }) => delay);
});

/** The means of that many samples drawn from the delays: hundreds of milliseconds in which nothing else would move. */
export const resample = task(
  {
    name: "resample",
    timeoutMs: 60_000,
    renderName: "resample with seed {seed}",
    runner: threads(import.meta.url, "resample"),
  },
  (seed: number, delays: readonly number[], samples: number): number[] => {
    const random = randomFrom(seed);
    const means = Array.from({ length: samples }, () => {
      let total = 0;
      for (let n = 0; n < delays.length; n += 1)
        total += delays[Math.floor(random() * delays.length)] ?? 0;
      return total / delays.length;
    });
    log.info("resampled", { seed, samples });
    return means;
  },
);

/** Threads: how sure is the mean delay of an airport? Four cores' worth of arithmetic, beside a process that stays awake. */
export const delayConfidence = flow(
  {
    name: "delay-confidence",
    parameters: z.object({
      origin: z.string().length(3).default("SFO"),
      samples: z.number().int().min(10).default(2_000),
    }),
  },
  async ({ origin, samples }) => {
    const delays = await readDelays(origin);
    const means = await Promise.all(
      [1, 2, 3, 4].map((seed) => resample(seed, delays, Math.ceil(samples / 4))),
    );
    const sorted = means.flat().toSorted((a, b) => a - b);
    const at = (share: number) =>
      Math.round(10 * (sorted[Math.floor(share * sorted.length)] ?? 0)) / 10;
    return { origin, flights: delays.length, low: at(0.025), middle: at(0.5), high: at(0.975) };
  },
);

/** Park and Miller's generator: the same seed draws the same samples, so a retry comes to the same result. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
