/** One line of the error catalogue. */
export type ErrorEntry = {
  /** HTTP status; 0 for errors that arise at the client and never travel. */
  readonly status: number;
  /** Whether the very same request may succeed later. */
  readonly retryable: boolean;
  readonly message: string;
  readonly remedy: string;
};

export function entry(
  status: number,
  retryable: boolean,
  message: string,
  remedy: string,
): ErrorEntry {
  return { status, retryable, message, remedy };
}
