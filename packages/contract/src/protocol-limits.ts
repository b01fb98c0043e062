/** Longest a claim is held open when there is no work; under the idle limit of common proxies (60 s). */
export const CLAIM_HOLD_SECONDS = 25;
/** Most leases in one claim and most items in one report. */
export const BATCH_LIMIT = 500;
/** Longest line of a body of lines, in bytes without its end: sealed parameters of any allowed size fit, with all that goes with them. */
export const LINE_LIMIT_BYTES = 1024 * 1024;
