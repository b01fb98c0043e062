import type { LogManifest } from "@downbeat/contract";
import { foreign, leftOut, lost, type LogFlaw, missing, unended, unlisted } from "./log-flaw.ts";
import { tagOf } from "./manifest-writer.ts";
import type { OpenedManifest } from "./open-log.ts";

/** A chunk that is here: where it claims to belong, and its tag. */
export type ChunkTag = { readonly epoch: number; readonly sequence: number; readonly tag: string };

export type LogEvidence = {
  /** In any order. */
  readonly chunks: readonly ChunkTag[];
  readonly manifests: readonly OpenedManifest[];
  /** How many attempts the run had. */
  readonly lastEpoch: number;
  /** Whether nothing more will come, so that a gap is a loss and not a delay. */
  readonly isOver: boolean;
};

type Listed = Extract<OpenedManifest, { manifest: LogManifest }>;

export function chunkTag(chunk: { epoch: number; sequence: number; chunk: string }): ChunkTag {
  return { epoch: chunk.epoch, sequence: chunk.sequence, tag: tagOf(chunk.chunk) };
}

// A run has few attempts; a plane that names millions must not keep its reader busy.
const MOST_EPOCHS = 10_000;

/** Compares what is here with what the manifests list. Returns what a reader must know, in order of attempt and place. */
export function findLogFlaws({ chunks, manifests, lastEpoch, isOver }: LogEvidence): LogFlaw[] {
  const attempts = new Map<number, { chunks: ChunkTag[]; parts: OpenedManifest[] }>();
  const attempt = (epoch: number) => {
    const known = attempts.get(epoch) ?? { chunks: [], parts: [] };
    attempts.set(epoch, known);
    return known;
  };
  for (let epoch = 1; epoch <= Math.min(lastEpoch, MOST_EPOCHS); epoch += 1) attempt(epoch);
  for (const chunk of chunks) attempt(chunk.epoch).chunks.push(chunk);
  for (const part of manifests) attempt(part.epoch).parts.push(part);
  return [...attempts]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([epoch, evidence]) =>
      flawsOf({ epoch, ...evidence, isOver: isOver || epoch < lastEpoch }),
    );
}

/** That the manifests list another chunk at this one's place, or say that the log had ended before it. */
export function findForeign(
  { epoch, sequence, tag }: ChunkTag,
  manifests: readonly OpenedManifest[],
): LogFlaw | undefined {
  const isForeign = manifests.some((part) => {
    if (part.epoch !== epoch || !isListed(part) || sequence < part.manifest.from) return false;
    const { from, tags, end } = part.manifest;
    return sequence < from + tags.length ? tags[sequence - from] !== tag : end;
  });
  return isForeign ? foreign(epoch, sequence) : undefined;
}

/** Places of one attempt, the first and the last of them included. */
export type LogRange = { readonly epoch: number; readonly from: number; readonly to: number };

/** What to say of chunks that are not here: those that the manifests call lost, and the others. */
export function findAbsent(
  { epoch, from, to }: LogRange,
  { manifests, isOver }: Pick<LogEvidence, "manifests" | "isOver">,
): LogFlaw[] {
  const lostPlaces = manifests
    .filter(isListed)
    .flatMap(({ epoch: of, manifest }) =>
      of === epoch && manifest.from <= to && manifest.from + manifest.tags.length > from
        ? manifest.tags.flatMap((tag, at) => (tag === null ? [manifest.from + at] : []))
        : [],
    );
  const flaws: LogFlaw[] = [];
  let next = from;
  const missingBefore = (place: number): void => {
    if (place > next) flaws.push(missing({ epoch, from: next, to: place - 1 }, isOver));
    next = place + 1;
  };
  for (const place of lostPlaces.filter((lostPlace) => lostPlace >= from && lostPlace <= to)) {
    missingBefore(place);
    flaws.push(lost(epoch, place));
  }
  missingBefore(to + 1);
  return flaws;
}

type Attempt = {
  readonly epoch: number;
  readonly chunks: readonly ChunkTag[];
  readonly parts: readonly OpenedManifest[];
  readonly isOver: boolean;
};

function flawsOf(attempt: Attempt): LogFlaw[] {
  const { epoch, chunks, parts } = attempt;
  const listed = parts.filter(isListed).map(({ manifest }) => manifest);
  const inPlace = [
    ...gapsOf(attempt, listed).flatMap((range) =>
      findAbsent(range, { manifests: parts, isOver: attempt.isOver }),
    ),
    ...chunks.flatMap((chunk) => findForeign(chunk, parts) ?? []),
  ];
  const linesLeftOut = Math.max(0, ...listed.map((manifest) => manifest.linesLeftOut));
  return [
    ...inPlace.toSorted((a, b) => a.at - b.at),
    ...(linesLeftOut > 0 ? [leftOut(epoch, linesLeftOut)] : []),
    ...flawsOfList(attempt),
  ];
}

/** Between the chunks that are here, and up to the last one listed. By them, not by counting: a plane may name any number. */
function gapsOf({ epoch, chunks }: Attempt, listed: readonly LogManifest[]): LogRange[] {
  const here = [...new Set(chunks.map(({ sequence }) => sequence))].toSorted((a, b) => a - b);
  const listedEnd = Math.max(0, ...listed.map(({ from, tags }) => from + tags.length));
  const gaps: LogRange[] = [];
  let next = 0;
  for (const place of here) {
    if (place > next) gaps.push({ epoch, from: next, to: place - 1 });
    next = place + 1;
  }
  return listedEnd > next ? [...gaps, { epoch, from: next, to: listedEnd - 1 }] : gaps;
}

/** What is wrong with the list itself. */
function flawsOfList({ epoch, chunks, parts, isOver }: Attempt): LogFlaw[] {
  const flaws = parts.flatMap(({ failure }) =>
    failure === undefined ? [] : [unlisted(epoch, failure)],
  );
  const readable = parts.filter(isListed).toSorted((a, b) => a.part - b.part);
  const hasHole = readable.some(({ part }, at) => part !== at);
  const isEnded = readable.some(({ manifest }) => manifest.end);
  if (flaws.length > 0 || !isOver) return flaws;
  if (hasHole) return [unlisted(epoch, undefined)];
  return isEnded ? [] : [unended(epoch, chunks.length === 0)];
}

function isListed(part: OpenedManifest): part is Listed {
  return part.failure === undefined;
}
