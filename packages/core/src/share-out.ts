/** Runs that wait alike: same queue, same deployment, so the same limits. */
export type WaitingLine = {
  /** 1 is served first. */
  readonly priority: number;
  /** Deals the turns among lines of one priority: lower first. Drawn anew for each claim, so that none is always first. */
  readonly ticket: string;
  /** Limits each run of the line takes a slot of. */
  readonly limits: readonly string[];
};

/** Slots left of each limit; a limit that is not listed has no end. */
export type Rooms = ReadonlyMap<string, number>;

/**
 * Shares free places out among lines: strictly by priority, and in turns among lines of the same one, so that a long line
 * never keeps a short one waiting. No limit is given more than its room.
 *
 * @returns how many runs each line may give, in the order of `lines`
 */
export function shareOut(lines: readonly WaitingLine[], rooms: Rooms, free: number): number[] {
  const left = new Map(rooms);
  const shares = lines.map(() => 0);
  let places = free;
  for (const turn of turns(lines)) {
    let open = turn;
    while (places > 0 && open.length > 0) {
      open = open.filter((index) => {
        const limits = lines[index]?.limits ?? [];
        if (places === 0 || limits.some((limit) => (left.get(limit) ?? 1) < 1)) return false;
        for (const limit of limits) left.set(limit, (left.get(limit) ?? Infinity) - 1);
        shares[index] = (shares[index] ?? 0) + 1;
        places -= 1;
        return true;
      });
    }
  }
  return shares;
}

/** Takes what was really taken off the rooms. */
export function roomsAfter(
  rooms: Rooms,
  taken: readonly { readonly line: WaitingLine; readonly count: number }[],
): Rooms {
  const left = new Map(rooms);
  for (const { line, count } of taken) {
    for (const limit of line.limits) {
      const room = left.get(limit);
      if (room !== undefined) left.set(limit, room - count);
    }
  }
  return left;
}

/** Indexes of the lines, one list per priority, each in the order of the tickets. */
function turns(lines: readonly WaitingLine[]): number[][] {
  const byPriority = new Map<number, number[]>();
  lines.forEach(({ priority }, index) => {
    byPriority.set(priority, [...(byPriority.get(priority) ?? []), index]);
  });
  const ticketOf = (index: number): string => lines[index]?.ticket ?? "";
  return [...byPriority]
    .toSorted(([a], [b]) => a - b)
    .map(([, indexes]) => indexes.toSorted((a, b) => (ticketOf(a) < ticketOf(b) ? -1 : 1)));
}
