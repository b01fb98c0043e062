import type { DownbeatError } from "@downbeat/contract";
import type { FastifyInstance } from "fastify";
import { parseJson } from "../parse-json.ts";

/** Most bytes of a body. */
export const BODY_LIMIT_BYTES = 8 * 1024 * 1024;

/** Bodies are JSON and nothing else; an empty one counts as absent. */
export function acceptJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, text, done) => {
    try {
      done(null, text === "" ? undefined : parseJson(String(text), "The body"));
    } catch (error) {
      done(error as DownbeatError);
    }
  });
}
