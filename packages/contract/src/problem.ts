import { z } from "zod";
import { plain } from "./boundary.ts";

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
