/** What artifacts may be. Apart from their schemas, so that the SDK can check them without loading zod. */
export const IMAGE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"] as const;
export type ImageType = (typeof IMAGE_TYPES)[number];

/** What an artifact shows, as JSON. Sealed with what else belongs to it, it stays under the limit of sealed artifacts. */
export const LARGEST_CONTENT_BYTES = 512 * 1024;
/** Of an image as it is; base64 makes 4 bytes of 3. */
export const LARGEST_IMAGE_BYTES = 380 * 1024;
export const LONGEST_ARTIFACT_KEY = 200;
/** Different artifacts of one run, and different metrics of one run. */
export const MOST_SHOWN = 1_000;
