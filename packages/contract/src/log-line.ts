import { z } from "zod";
import { labelSealed } from "./boundary.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/** One line inside a sealed log chunk. A chunk's plaintext is the JSON array of these. */
export const LogLine = labelSealed(
  z.strictObject({
    at: z.iso.datetime({ offset: true }),
    level: z.enum(LOG_LEVELS),
    logger: z.string(),
    text: z.string(),
    fields: z.record(z.string(), z.unknown()).optional(),
    taskRunId: z.uuid().optional(),
  }),
);
export type LogLine = z.infer<typeof LogLine>;

/**
 * The plaintext of a sealed `log-manifest`: which chunks an attempt's log consists of. A log has one part for every
 * 1,000 chunks, each with its number as `seq`; the one with `end` is the last.
 */
export const LogManifest = labelSealed(
  z.strictObject({
    /** The place of the first chunk listed. */
    from: z.int().min(0),
    /** By place: the tag (the fifth part of the JWE) of each chunk; null for one that was lost before it was sent. */
    tags: z
      .array(
        z
          .string()
          .regex(/^[\w-]{22}$/)
          .nullable(),
      )
      .max(1000),
    /** Lines of the whole attempt that were left out so far, since too much waited to be sent. */
    linesLeftOut: z.int().min(0),
    end: z.boolean(),
  }),
);
export type LogManifest = z.infer<typeof LogManifest>;

/** The plaintext of a sealed `error`: what the plane may not read. */
export const ErrorDetail: z.ZodType<ErrorDetail> = labelSealed(
  z.strictObject({
    class: z.string(),
    message: z.string(),
    stack: z.string().optional(),
    cause: z.lazy(() => ErrorDetail).optional(),
  }) as unknown as z.ZodType<ErrorDetail>,
);
export type ErrorDetail = { class: string; message: string; stack?: string; cause?: ErrorDetail };
