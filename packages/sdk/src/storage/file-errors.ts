/** Whether a file operation failed because the file, or a directory on the way to it, is not there. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT";
}

/** Whether a file could not be made because it is there. */
export function isTaken(error: unknown): boolean {
  return codeOf(error) === "EEXIST";
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
