/** What a name may look like. Apart from its schema, so that the SDK can check a name without loading zod. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9 ._-]*$/;
export const NAME_RULE =
  "must start with a letter or digit and hold only letters, digits, space, . _ -";
export const LONGEST_NAME = 100;
