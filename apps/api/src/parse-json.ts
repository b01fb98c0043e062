import { DownbeatError } from "@downbeat/contract";

/**
 * Parses JSON that somebody sent; `what` it is begins the sentence of the error.
 *
 * @throws {DownbeatError} `body_malformed`, quoting nothing of the text
 */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The parser's message quotes the text, so it goes neither to the caller nor to the log.
    const where =
      /position \d+/.exec(cause instanceof Error ? cause.message : "")?.[0] ??
      "an unknown position";
    throw new DownbeatError("body_malformed", {
      message: `${what} is not valid JSON: it breaks off at ${where}.`,
    });
  }
}
