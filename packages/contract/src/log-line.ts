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
