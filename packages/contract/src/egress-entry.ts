import { z } from "zod";
import { local } from "./boundary.ts";

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What one kind of field took of a request: how many values, how many bytes, and of sealed ones a hash over all of them. */
export const EgressField = z.strictObject({
  /** As in `docs/data-boundary.md`: `body.items[].chunk`, or `header.authorization`. */
  path: z.string(),
  boundary: z.enum(["plain", "sealed", "unlabelled"]),
  count: z.int().min(1),
  bytes: z.int().min(0),
  /** SHA-256 over the values in order, each followed by a line feed. */
  sha256: Sha256.optional(),
});
export type EgressField = z.infer<typeof EgressField>;

/**
 * One request in an agent's egress ledger, a line of JSON each. It stays on the machine. `previous` is the SHA-256 of the
 * line before, so that a line that was changed or taken out shows; null begins a ledger.
 */
export const EgressEntry = local(
  z.strictObject({
    at: z.iso.datetime(),
    route: z.string(),
    method: z.string(),
    path: z.string(),
    /** Of the body as sent. */
    bytes: z.int().min(0),
    sha256: Sha256,
    fields: z.array(EgressField),
    previous: Sha256.nullable(),
  }),
);
export type EgressEntry = z.infer<typeof EgressEntry>;
