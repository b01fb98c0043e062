/**
 * Every error Downbeat can answer with. One table: HTTP status, whether the same request may succeed later, what
 * happened, and what to do. `docs/errors.md` is rendered from it.
 */
export const ERRORS = {
  body_malformed: entry(
    400,
    false,
    "The body is not valid JSON.",
    "Send JSON with content-type application/json.",
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
    "Seal it with the workspace's public key; docs/sealing.md shows how with the SDK, the CLI and the `jose` command.",
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
  unreachable: entry(
    0,
    true,
    "The API could not be reached.",
    "Check the URL and the network; running flows are not affected.",
  ),
  response_invalid: entry(
    0,
    false,
    "The API answered with something that is not Downbeat's.",
    "Check the URL (a proxy may answer in its place) and the versions of both sides.",
  ),
  profile_missing: entry(
    0,
    false,
    "No profile is set.",
    "Run `downbeat login`, `downbeat dev`, or set DOWNBEAT_API_URL and DOWNBEAT_API_KEY.",
  ),
  key_missing: entry(
    0,
    false,
    "The workspace key is not on this machine.",
    "Import it with the file written by `downbeat key create`, or set DOWNBEAT_KEY_FILE.",
  ),
  key_wrong: entry(
    0,
    false,
    "The key on this machine does not open this.",
    "Use the keyset with the key id named in the message.",
  ),
  sealed_unreadable: entry(
    0,
    false,
    "A sealed blob did not open.",
    "It was altered, moved from another place, or made with another key.",
  ),
  parameters_invalid: entry(
    0,
    false,
    "The parameters do not fit the flow's schema.",
    "Correct the parameters named in `issues`.",
  ),
  entrypoint_invalid: entry(
    0,
    false,
    "The entrypoint is not a flow in the project directory.",
    "Export the flow from a .ts or .js file inside the project and deploy again.",
  ),
  signature_refused: entry(
    0,
    false,
    "The agent runs only signed work, and this is not signed by a key it lists.",
    "Deploy and trigger with --sign, with a key whose public half is in the agent's DOWNBEAT_SIGNERS_FILE.",
  ),
  usage_invalid: entry(
    0,
    false,
    "The command was called with arguments it does not understand.",
    "See `downbeat --help`.",
  ),
  port_taken: entry(
    0,
    false,
    "The port is taken by another program.",
    "Choose another with DOWNBEAT_PORT.",
  ),
  data_directory_in_use: entry(
    0,
    false,
    "Another process uses this data directory.",
    "Stop it, or choose another with DOWNBEAT_HOME.",
  ),
  database_unreachable: entry(
    0,
    true,
    "The database could not be reached.",
    "Check DATABASE_URL and that the server runs.",
  ),
  configuration_invalid: entry(
    0,
    false,
    "The configuration is not valid.",
    "Correct the variables named in the message; docs/configuration.md lists them.",
  ),
  run_failed: entry(
    0,
    false,
    "The run that was watched did not complete.",
    "See `downbeat runs view` and `downbeat runs logs`.",
  ),
  wait_timed_out: entry(
    0,
    true,
    "The wait ended before the run did.",
    "The run goes on; watch it again.",
  ),
  definition_invalid: entry(
    0,
    false,
    "A flow or task is defined with options that cannot work.",
    "Correct the option named in the message; docs/sdk.md lists them all.",
  ),
  limit_not_found: entry(
    404,
    false,
    "No limit of this name exists.",
    "Create it with `downbeat limit set`, or check the name with `downbeat limit ls`.",
  ),
  future_cyclic: entry(
    0,
    false,
    "A task waits for something that waits for it.",
    "Await the future outside the task, or pass on the value instead.",
  ),
  recursion_too_deep: entry(
    0,
    false,
    "Tasks were called inside each other without end.",
    "End the recursion, or make it a loop.",
  ),
  log_incomplete: entry(
    0,
    false,
    "A log is not whole, or nobody can tell whether it is.",
    "Read what is said in its place; docs/sealing.md tells what it can mean. A copy of the egress ledger of the agent shows what was sent.",
  ),
  queue_full: entry(
    0,
    true,
    "Too many runs wait to be sent.",
    "Await `sent` of the runs asked for, now and then, so that the plane can keep up.",
  ),
  result_unserialisable: entry(
    0,
    false,
    "A result cannot be kept: part of it cannot be serialised.",
    "Return plain data at the path named in `issues`, or give a serializer; docs/sdk.md lists what is kept.",
  ),
  result_too_large: entry(
    0,
    false,
    "A result is too large to be kept.",
    "Keep large data in your own storage and return a reference, or raise `maxBytes`.",
  ),
  artifact_invalid: entry(
    0,
    false,
    "An artifact cannot be shown as it was given.",
    "Correct what the message names; docs/sdk.md lists what artifacts take.",
  ),
  artifact_too_large: entry(
    0,
    false,
    "An artifact is larger than its limit.",
    "Show less, or keep it in your own storage and show a link.",
  ),
  metric_invalid: entry(
    0,
    false,
    "A metric needs a static name and a finite number.",
    "Correct what the message names. Both are seen by the hosted plane: put no data into the name.",
  ),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorEntry = {
  /** HTTP status; 0 for errors that arise at the client and never travel. */
  readonly status: number;
  /** Whether the very same request may succeed later. */
  readonly retryable: boolean;
  readonly message: string;
  readonly remedy: string;
};

export type ErrorCode = keyof typeof ERRORS;

function entry(status: number, retryable: boolean, message: string, remedy: string): ErrorEntry {
  return { status, retryable, message, remedy };
}
