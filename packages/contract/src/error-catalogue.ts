import { entry, type ErrorEntry } from "./error-entry.ts";
import { LOCAL_ERRORS } from "./local-errors.ts";

/**
 * Every error Downbeat can answer with. One table: HTTP status, whether the same request may succeed later, what
 * happened, and what to do. `docs/errors.md` is rendered from it.
 */
export const ERRORS = {
  body_malformed: entry(
    400,
    false,
    "The body is not valid JSON.",
    "Send JSON with content-type application/json. A route of lines takes application/x-ndjson.",
  ),
  validation_failed: entry(
    400,
    false,
    "A field is missing, unknown or of the wrong type.",
    "Correct the fields named in `issues`; /openapi.json lists what each route takes.",
  ),
  credentials_missing: entry(
    401,
    false,
    "The request carries no credentials.",
    "Send `Authorization: Bearer <access token>`; POST /v1/auth/token exchanges an API key for one.",
  ),
  credentials_invalid: entry(
    401,
    false,
    "The API key, token or assertion is not valid.",
    "Check for a truncated copy; create a new key if it is lost.",
  ),
  credentials_expired: entry(
    401,
    true,
    "The credentials have expired.",
    "Exchange the API key for a new access token, or create a new API key.",
  ),
  role_insufficient: entry(
    403,
    false,
    "These credentials may not do that.",
    "Use a key with the role named in the message.",
  ),
  not_found: entry(
    404,
    false,
    "There is no such thing in this workspace.",
    "Check the id or name; other workspaces are never visible.",
  ),
  method_not_allowed: entry(
    405,
    false,
    "This path takes no requests of this method.",
    "Use a method named in the header Allow; /openapi.json lists every route.",
  ),
  flow_not_found: entry(
    404,
    false,
    "No flow or deployment of this name is registered.",
    "Run `downbeat deploy`, or check the name with `downbeat flow ls`.",
  ),
  pool_not_found: entry(
    404,
    false,
    "No work pool of this name exists.",
    "Create it with POST /v1/pools, or use the pool `default`.",
  ),
  conflict: entry(
    409,
    false,
    "The thing already exists or has changed meanwhile.",
    "Read its current state and decide again.",
  ),
  fenced: entry(
    409,
    false,
    "A newer attempt owns this run; this write was refused.",
    "Stop the process that sent it: its lease is no longer valid.",
  ),
  transition_rejected: entry(
    409,
    false,
    "The run's state does not allow this transition.",
    "Read the run's state; the message names the state that stands.",
  ),
  session_ended: entry(
    409,
    false,
    "The agent session is not open.",
    "Open a new session; a restarted agent always does.",
  ),
  workspace_key_mismatch: entry(
    409,
    false,
    "The workspace already has another public key.",
    "Use the keyset of this workspace, or rotate the key.",
  ),
  workspace_key_unusable: entry(
    409,
    false,
    "The workspace has no public key that the API could seal to.",
    "Register the workspace's key with `downbeat key create` or `downbeat deploy`, or seal the parameters yourself.",
  ),
  payload_too_large: entry(
    413,
    false,
    "The body or a field is larger than its limit.",
    "Keep large data in your own storage and pass a reference.",
  ),
  plaintext_refused: entry(
    422,
    false,
    "A field that must be sealed holds something else.",
    "Seal it with the workspace's public key; docs/sealing.md shows how with the SDK, the CLI and the `jose` command, and when a deployment may take parameters in clear (`hostTransit`).",
  ),
  idempotency_mismatch: entry(
    422,
    false,
    "The idempotency key was used before with another request.",
    "Use a fresh key for a different request.",
  ),
  rate_limited: entry(429, true, "Too many requests.", "Wait for the time in Retry-After."),
  internal: entry(
    500,
    true,
    "The server failed.",
    "Try again; quote the request id if it persists.",
  ),
  unavailable: entry(
    503,
    true,
    "The server cannot serve this right now.",
    "Try again after the time in Retry-After.",
  ),
  limit_not_found: entry(
    404,
    false,
    "No limit of this name exists.",
    "Create it with `downbeat limit set`, or check the name with `downbeat limit ls`.",
  ),
  ...LOCAL_ERRORS,
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;
