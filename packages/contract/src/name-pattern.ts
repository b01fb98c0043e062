/** What names and tags may look like. Apart from their schemas, so that the SDK can check them without loading zod. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9 ._-]*$/;
export const NAME_RULE =
  "must start with a letter or digit and hold only letters, digits, space, . _ -";
export const LONGEST_NAME = 100;
export const LONGEST_TAG = 64;
export const MOST_TAGS = 32;
