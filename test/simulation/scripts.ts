import type { PausePoint } from "@downbeat/contract";
import { Random } from "./random.ts";

/** A place in a flow's code where it waits for a person. */
export type Stop = {
  readonly point: PausePoint;
  /** Whether the process ends meanwhile. */
  readonly suspends: boolean;
  /** Whether the flow itself may end without waiting any longer. */
  readonly losesPatience: boolean;
};

const ON_TIMEOUT: readonly [PausePoint["onTimeout"], ...PausePoint["onTimeout"][]] = [
  "fail",
  "resume",
];

/** What each run's code does: the same in every attempt, on every agent. */
export class Scripts {
  readonly #seed: number;
  readonly #known = new Map<string, readonly Stop[]>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Where the run waits, in order. */
  of(runId: string): readonly Stop[] {
    const known = this.#known.get(runId);
    if (known !== undefined) return known;
    const random = new Random(this.#seed * 1_000 + this.#known.size);
    const stops = random.chance(0.6) ? 0 : random.between(1, 2);
    const script = Array.from({ length: stops }, (_, at) => aStop(random, `point-${at + 1}`));
    this.#known.set(runId, script);
    return script;
  }
}

function aStop(random: Random, key: string): Stop {
  const [timeoutSeconds, onTimeout] = [random.between(20, 120), random.pick(ON_TIMEOUT)];
  const suspends = random.chance(0.5);
  return {
    point: { key, inputSchema: null, timeoutSeconds, onTimeout },
    suspends,
    losesPatience: !suspends && random.chance(0.2),
  };
}
