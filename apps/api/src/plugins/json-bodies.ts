import { DownbeatError } from "@downbeat/contract";
import type { FastifyInstance } from "fastify";

/** Most bytes of a body. */
export const BODY_LIMIT_BYTES = 8 * 1024 * 1024;

/** Bodies are JSON and nothing else; an empty one counts as absent. */
export function acceptJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, text, done) => {
    try {
      done(null, text === "" ? undefined : JSON.parse(String(text)));
    } catch (cause) {
      // The parser's message quotes the body, so it goes neither to the caller nor to the log.
      const where =
        /position \d+/.exec(cause instanceof Error ? cause.message : "")?.[0] ??
        "an unknown position";
      done(
        new DownbeatError("body_malformed", {
          message: `The body is not valid JSON: it breaks off at ${where}.`,
        }),
      );
    }
  });
}
