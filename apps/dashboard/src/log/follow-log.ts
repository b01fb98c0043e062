import { isDownbeatError, mayPass, type RouteResponse, type ROUTES } from "@downbeat/contract";
import type { LogBook } from "./log-book.ts";

export type LogPage = RouteResponse<typeof ROUTES.listLogChunks>;
export type ManifestPage = RouteResponse<typeof ROUTES.listLogManifests>;

export type FollowLogDeps = {
  readonly book: LogBook;
  readonly readPage: (after: string | undefined) => Promise<LogPage>;
  readonly readManifests: (after: string | undefined) => Promise<ManifestPage>;
  /** Resolves after the time, and not before the page is visible. */
  readonly wait: (ms: number) => Promise<void>;
  readonly onChange: (news: { complete: boolean; error: unknown }) => void;
  readonly signal: AbortSignal;
};

// Plain polling, although the API would hold the call: a held call occupies one of the six connections that a browser
// opens to an origin over HTTP/1.1, so a few open tabs would starve each other.
const POLL_MS = 2_000;
const AFTER_ERROR_MS = 5_000;
/** Chunks may arrive out of order, and the cursor is past a gap by then: every so many rounds, reading begins before it. */
const ROUNDS_PER_GAP_CHECK = 5;
/** How often a gap is looked at again once the run is over; late reports are delivered within a moment or not at all. */
const LAST_GAP_CHECKS = 3;

/** Reads a run's log until it is complete; a failure is told and then tried again, if trying can help. */
export async function followLog(deps: FollowLogDeps): Promise<void> {
  const { book, onChange, signal, wait } = deps;
  let newest: string | undefined;
  let gapChecksLeft = LAST_GAP_CHECKS;
  for (let round = 1; !signal.aborted; round += 1) {
    try {
      const checkGaps = round % ROUNDS_PER_GAP_CHECK === 0 && book.hasGaps();
      const { complete, lastPlace } = await readOn(
        deps,
        checkGaps ? book.beforeFirstGap() : newest,
      );
      newest = lastPlace ?? newest;
      if (complete || round === 1) await readAllManifests(deps);
      const settled = complete && (!book.hasGaps() || gapChecksLeft-- === 0);
      onChange({ complete: settled, error: undefined });
      if (settled) return;
      if (complete) round = ROUNDS_PER_GAP_CHECK - 1;
      await wait(POLL_MS);
    } catch (error) {
      if (signal.aborted) return;
      onChange({ complete: false, error });
      if (isDownbeatError(error) && !mayPass(error)) return;
      await wait(AFTER_ERROR_MS);
    }
  }
}

/** Those of attempts before the last one are there at once; its own comes with the end of the run. */
async function readAllManifests({ book, readManifests, signal }: FollowLogDeps): Promise<void> {
  for (let after: string | null | undefined; after !== null && !signal.aborted;) {
    const page = await readManifests(after);
    book.addManifests(page.items, page.dataKeys);
    after = page.nextAfter === after ? null : page.nextAfter;
  }
}

/** Reads from a place to the end of what is stored now. */
async function readOn(
  { book, readPage, signal }: FollowLogDeps,
  after: string | undefined,
): Promise<{ complete: boolean; lastPlace: string | undefined }> {
  let place = after;
  while (!signal.aborted) {
    const page = await readPage(place);
    book.add(page.items, page.dataKeys);
    if (page.items.length === 0 || page.nextAfter === null || page.nextAfter === place) {
      return { complete: page.complete, lastPlace: place };
    }
    place = page.nextAfter;
    if (page.complete) return { complete: true, lastPlace: place };
  }
  return { complete: false, lastPlace: place };
}
