import type { SealFailure } from "./seal-failure.ts";

/**
 * `missing`: chunks are not here although others show that they were made. `lost`: the sender says that they were lost
 * before they were sent. `left_out`: lines that it left out. `foreign`: a chunk that is not the one that was sent at this
 * place. `unlisted`: the list of chunks does not open, or part of it is missing. `unended`: nothing says where the log ends.
 */
export type LogFlawKind = "missing" | "lost" | "left_out" | "foreign" | "unlisted" | "unended";

/** Something about a log that its reader must know: part of it is not here, or not what was sent, or that cannot be told. */
export type LogFlaw = {
  readonly kind: LogFlawKind;
  readonly epoch: number;
  /** The place in the attempt's log where it belongs; of `foreign` ones the chunk's. Infinity: its end. */
  readonly at: number;
  /** A few words; the whole story is in `detail`. */
  readonly title: string;
  readonly detail: string;
};

type Range = { readonly epoch: number; readonly from: number; readonly to: number };

export function missing(range: Range, isOver: boolean): LogFlaw {
  const [subject, is, has] = subjectOf(range);
  const words = isOver
    ? { title: `${subject} ${is} missing`, detail: `Never delivered, or deleted.` }
    : {
        title: `${subject} ${has} not arrived yet`,
        detail: "Later ones are already here. Reports may arrive out of order.",
      };
  return { kind: "missing", epoch: range.epoch, at: range.from, ...words };
}

export function lost(epoch: number, at: number): LogFlaw {
  const detail = "It could not be sealed where the run was, which says so. Nobody took it.";
  return { kind: "lost", epoch, at, title: `chunk ${at} was lost`, detail };
}

export function foreign(epoch: number, sequence: number): LogFlaw {
  return {
    kind: "foreign",
    epoch,
    at: sequence,
    title: `chunk ${sequence} is not the one that was sent`,
    detail: `Attempt ${epoch} lists another chunk at this place, or none: somebody put this one here. Its lines are not shown.`,
  };
}

export function leftOut(epoch: number, lines: number): LogFlaw {
  return {
    kind: "left_out",
    epoch,
    at: Number.POSITIVE_INFINITY,
    title: `${lines} ${lines === 1 ? "line was" : "lines were"} left out where the run was`,
    detail: `Too much waited to be sent while attempt ${epoch} ran, since the API was away. Nobody took them.`,
  };
}

export function unlisted(epoch: number, failure: SealFailure | undefined): LogFlaw {
  const [title, detail] =
    failure === undefined
      ? ["is missing in part", "Never delivered, or deleted."]
      : [failure.title, failure.detail];
  return {
    kind: "unlisted",
    epoch,
    at: Number.POSITIVE_INFINITY,
    title: `the list of this log's chunks ${title}`,
    detail: `${detail} Without it one cannot tell whether chunks of attempt ${epoch} are missing.`,
  };
}

export function unended(epoch: number, isEmpty: boolean): LogFlaw {
  const [title, fate] = isEmpty
    ? [`there is no log of attempt ${epoch}`, "It never began, "]
    : [`the log of attempt ${epoch} did not end`, "Its process, its machine or the agent died, "];
  return {
    kind: "unended",
    epoch,
    at: Number.POSITIVE_INFINITY,
    title,
    detail: `${fate}or the end was withheld: one cannot tell whether lines are missing.`,
  };
}

function subjectOf({ from, to }: Range): [subject: string, is: string, has: string] {
  return from === to ? [`chunk ${from}`, "is", "has"] : [`chunks ${from} to ${to}`, "are", "have"];
}
