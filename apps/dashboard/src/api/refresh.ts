import { isTerminal, mayPass, type State } from "@downbeat/contract";

// A hidden tab does not refresh at all: that is the query library's default for `refetchInterval`.
const LIVE_MS = 2_000;
const QUIET_MS = 15_000;
/** Between asking a plane that is away. */
const FAILED_MS = 5_000;
/** Reports about tasks may still come in after the run itself is over. */
const SETTLING_MS = 30_000;

/** How long until the counts by day are read again: they change with each run that ends, and nobody watches single ones there. */
export const RUN_DAYS_REFRESH_MS = 30_000;

/** How long until a list is read again: soon while something in it can change, else now and then for what is new. */
export function listRefreshMs(items: readonly { readonly state: State }[] | undefined): number {
  return items?.some(({ state }) => !isTerminal(state.type)) === true ? LIVE_MS : QUIET_MS;
}

/** How long until a run's page is read again; false once it has been over for half a minute. */
export function runRefreshMs(state: State | undefined, nowMs: number): number | false {
  if (state === undefined || !isTerminal(state.type)) return LIVE_MS;
  return nowMs - Date.parse(state.at) < SETTLING_MS ? LIVE_MS : false;
}

/**
 * How long until what could not be read is asked for again: a plane that was away comes back, and who looks should not have to
 * reload. False for an answer that would be the same again, such as that there is no such run.
 */
export function failedRefreshMs(error: unknown): number | false {
  return mayPass(error) ? FAILED_MS : false;
}
