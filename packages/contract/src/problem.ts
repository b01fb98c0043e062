import { z } from "zod";
import { plain } from "./boundary.ts";
import { Count } from "./identifiers.ts";

/** The body of every answer that is not a success. */
export const Problem = z.strictObject({
  code: plain(z.string()),
  message: plain(z.string()),
  remedy: plain(z.string()),
  requestId: plain(z.string()),
  issues: z
    .array(z.strictObject({ path: plain(z.string()), message: plain(z.string()) }))
    .optional(),
});
export type Problem = z.infer<typeof Problem>;

/**
 * The last line of an answer of lines that could not go on: what has no line before this one was not acknowledged. An answer
 * without it is whole if it has a line for each of the body.
 */
export const LastLine = z.strictObject({
  problem: z.strictObject({ ...Problem.shape, retryAfterSeconds: Count.optional() }),
});
export type LastLine = z.infer<typeof LastLine>;
