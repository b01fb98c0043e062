import type { RunInput } from "@downbeat/contract";

/** What the pause points of runs were given, and who hears of it. */
export class GivenInputs {
  readonly #given = new Map<string, RunInput>();

  give(runId: string, given: RunInput): void {
    this.#given.set(runId, given);
  }

  /** What these runs' processes wait for, as a heartbeat is answered. */
  for(held: readonly { readonly runId: string; readonly awaits?: string }[]): object[] {
    return held.flatMap(({ runId, awaits }) => {
      const given = this.#given.get(runId);
      return given === undefined || given.key !== awaits ? [] : [{ runId, ...given }];
    });
  }
}
