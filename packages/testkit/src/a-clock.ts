/** A clock that moves only when told. */
export type ManualClock = {
  /** The time it shows; a new Date each time, so nobody moves the clock by changing one. */
  readonly now: () => Date;
  /** The same instant in milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Moves it forward by so many milliseconds and returns the new time. */
  readonly advance: (byMs: number) => Date;
  /** Puts it at an instant, earlier or later. */
  readonly set: (iso: string) => Date;
};

/**
 * Starts a manual clock.
 *
 * @param startIso default 2026-01-05T09:00:00Z, a Monday morning.
 * @throws RangeError on text that is no instant, or when asked to run backwards through `advance`.
 */
export function aClock(startIso = "2026-01-05T09:00:00.000Z"): ManualClock {
  let ms = parse(startIso);
  const now = (): Date => new Date(ms);
  return {
    now,
    nowMs: () => ms,
    advance: (byMs) => {
      if (!(byMs >= 0)) throw new RangeError(`A clock does not advance by ${byMs} ms; use set().`);
      ms += byMs;
      return now();
    },
    set: (iso) => {
      ms = parse(iso);
      return now();
    },
  };
}

function parse(iso: string): number {
  const ms = Date.parse(iso);
  if (Number.isNaN(ms)) throw new RangeError(`"${iso}" is not an instant.`);
  return ms;
}
