const BUCKET_MS = 100;
const BUCKETS = 10;
// Twice the round trip hides it and lets the rate grow until the processes are busy.
const AHEAD_ROUND_TRIPS = 2;
// While the plane is slow or away, runs wait as PENDING rather than being announced by the hundred.
const LONGEST_ROUND_TRIP_MS = 250;
const SMOOTHING = 0.2;
// A request and its transaction cost the plane and this process as much as ten short runs: with these numbers forty share one where 400 end in a second.
const LONGEST_GATHERING_MS = 100;
const GATHERING_MS_PER_RUN = 0.25;

/**
 * How fast runs end here, from which follows how much work may be fetched ahead. Short runs are fetched ahead by the
 * hundred; behind a long run nothing waits that another agent could have taken.
 */
export class Pace {
  readonly #nowMs: () => number;
  readonly #counts = Array.from({ length: BUCKETS }, () => 0);
  #bucket = 0;
  #roundTripMs = 0;

  /** @param nowMs monotonic milliseconds */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#bucket = Math.floor(nowMs() / BUCKET_MS);
  }

  runEnded(): void {
    this.#turn();
    this.#counts[this.#bucket % BUCKETS] = (this.#counts[this.#bucket % BUCKETS] ?? 0) + 1;
  }

  /** How long the plane took to agree to a start. */
  announced(roundTripMs: number): void {
    this.#roundTripMs +=
      SMOOTHING * (Math.min(roundTripMs, LONGEST_ROUND_TRIP_MS) - this.#roundTripMs);
  }

  /** Runs that ended within the last second. */
  perSecond(): number {
    this.#turn();
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** How many runs may be announced before a process is free for them, so that no process waits for the plane. */
  ahead(): number {
    return Math.floor((this.perSecond() * AHEAD_ROUND_TRIPS * this.#roundTripMs) / 1000);
  }

  /** How long reports may wait for others, in milliseconds: ever longer the faster runs end, and not at all behind long ones. */
  gatheringMs(): number {
    return Math.min(LONGEST_GATHERING_MS, this.perSecond() * GATHERING_MS_PER_RUN);
  }

  #turn(): void {
    const current = Math.floor(this.#nowMs() / BUCKET_MS);
    const passed = Math.min(BUCKETS, current - this.#bucket);
    for (let step = 1; step <= passed; step += 1) this.#counts[(this.#bucket + step) % BUCKETS] = 0;
    if (passed === BUCKETS) this.#counts.fill(0);
    this.#bucket = current;
  }
}
