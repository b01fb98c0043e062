import { z } from "zod";
import { IMAGE_TYPES, LONGEST_ARTIFACT_KEY } from "./artifact-limits.ts";
import { labelSealed, plain } from "./boundary.ts";
import { fence } from "./fence.ts";
import { BlindTag, Count, Epoch, Id, Instant, Name } from "./identifiers.ts";
import { sealed } from "./sealed.ts";

/** What an artifact shows, by type. */
export const ArtifactContent = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("markdown"), text: z.string() }),
  z.strictObject({
    type: z.literal("table"),
    columns: z.array(z.string()),
    /** Each row has a cell for each column. */
    rows: z.array(z.array(z.union([z.string(), z.number(), z.boolean(), z.null()]))),
  }),
  z.strictObject({
    type: z.literal("link"),
    // Readers make it something to click: nothing that could run as code.
    url: z.url({ protocol: /^https?$/ }),
    text: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal("image"),
    mediaType: z.enum(IMAGE_TYPES),
    /** Base64. */
    data: z.base64(),
    alt: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal("progress"),
    done: z.number().min(0),
    /** Null: nobody knows. */
    total: z.number().min(0).nullable(),
    label: z.string().optional(),
  }),
]);
export type ArtifactContent = z.infer<typeof ArtifactContent>;

/** The plaintext of a sealed artifact. */
export const ArtifactDetail = labelSealed(
  z.strictObject({
    /** What the author calls it; the same key again replaces it. */
    key: z.string().min(1).max(LONGEST_ARTIFACT_KEY),
    at: z.iso.datetime({ offset: true }),
    title: z.string().optional(),
    /** The task run that made it; absent in a flow's own body. */
    taskRunId: z.uuid().optional(),
    content: ArtifactContent,
  }),
);
export type ArtifactDetail = z.infer<typeof ArtifactDetail>;

/** A version of an artifact. May arrive late, twice or out of order: the highest (epoch, sequence) of a tag stands. */
export const ArtifactItem = z.strictObject({
  kind: plain(z.literal("artifact")),
  ...fence,
  /** Stands for the author's key, within the run: equal keys of two runs have different tags. */
  keyTag: BlindTag,
  /** Counts what an attempt shows, artifacts and metrics together. */
  sequence: Count,
  detail: sealed("artifact"),
});
export type ArtifactItem = z.infer<typeof ArtifactItem>;

/** A number that the author declares public. The highest (epoch, sequence) of a name stands. */
export const MetricItem = z.strictObject({
  kind: plain(z.literal("metric")),
  ...fence,
  name: Name,
  sequence: Count,
  value: plain(z.number(), "the author declares it public with metric()"),
});
export type MetricItem = z.infer<typeof MetricItem>;

/** An artifact of a run, in its newest version. What is inside is listed in {@link ArtifactDetail}. */
export const Artifact = z.strictObject({
  runId: Id,
  keyTag: BlindTag,
  /** Of the attempt that made this version. */
  epoch: Epoch,
  sequence: Count,
  createdAt: Instant,
  updatedAt: Instant,
  detail: sealed("artifact"),
});
export type Artifact = z.infer<typeof Artifact>;

/** A public number of a run, as it was last given. */
export const Metric = z.strictObject({
  runId: Id,
  name: Name,
  value: plain(z.number()),
  epoch: Epoch,
  updatedAt: Instant,
});
export type Metric = z.infer<typeof Metric>;
