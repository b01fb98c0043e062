import { z } from "zod";
import { labelSealed } from "./boundary.ts";

/** The plaintext of a sealed `result`: where the customer keeps it and how to read it. */
export const ResultPointer = labelSealed(
  z.strictObject({
    /** As the storage says it: `file:///…`, `s3://bucket/…`. */
    location: z.string().max(4_096),
    serializer: z.string().max(100),
    /** Size of the serialised result. */
    bytes: z.int().min(0),
  }),
);
export type ResultPointer = z.infer<typeof ResultPointer>;
