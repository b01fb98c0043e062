/** Longest a claim is held open when there is no work; under the idle limit of common proxies (60 s). */
export const CLAIM_HOLD_SECONDS = 25;
/** Most leases in one claim and most items in one report. */
export const BATCH_LIMIT = 500;
