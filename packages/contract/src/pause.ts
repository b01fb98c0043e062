import { z } from "zod";
import { plain } from "./boundary.ts";
import { ParameterSchema } from "./flow.ts";
import { Instant, Name } from "./identifiers.ts";
import { sealed } from "./sealed.ts";
import { signed } from "./signed.ts";

const OnTimeout = plain(z.enum(["fail", "resume"]));

/** Where a flow stopped to wait for a person: static text chosen by the author. */
export const PausePoint = z.strictObject({
  key: Name,
  /** JSON Schema of the input it waits for; null: none. */
  inputSchema: ParameterSchema.nullable().default(null),
  timeoutSeconds: plain(
    z
      .int()
      .min(1)
      .max(366 * 24 * 3600),
  )
    .nullable()
    .default(null),
  /** What happens when nobody resumes it in time: the run fails, or goes on without input. */
  onTimeout: OnTimeout.default("fail"),
});
export type PausePoint = z.infer<typeof PausePoint>;

/** What a paused run waits for, as its own page shows it. */
export const RunPause = z.strictObject({
  key: Name,
  inputSchema: ParameterSchema.nullable(),
  expiresAt: Instant.nullable(),
  onTimeout: OnTimeout,
});
export type RunPause = z.infer<typeof RunPause>;

/** What someone gave to a pause point that was passed; null: it was resumed without input. */
export const RunInput = z.strictObject({
  key: Name,
  input: sealed("input").nullable(),
  /** By whom it was signed, and what of it; null: by nobody. */
  signature: signed("input").nullable().default(null),
  /** Tells what is given anew from what was given before. */
  givenAt: Instant,
});
export type RunInput = z.infer<typeof RunInput>;
