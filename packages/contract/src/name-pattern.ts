/** What names and tags may look like. Apart from their schemas, so that the SDK can check them without loading zod. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9 ._-]*$/;
export const NAME_RULE =
  "must start with a letter or digit and hold only letters, digits, space, . _ -";

/** The database has no U+0000. */
// oxlint-disable-next-line no-control-regex -- the control character is what is refused
export const TEXT_PATTERN = /^[^\u0000]*$/;
export const TEXT_RULE = "holds the character U+0000 or half a surrogate pair";

/** Whether the database keeps a text as it is: half a surrogate pair it would replace, or refuse. */
export function isKeptText(text: string): boolean {
  return TEXT_PATTERN.test(text) && isWellFormed(text);
}

export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

export const LONGEST_NAME = 100;
export const LONGEST_TAG = 64;
export const MOST_TAGS = 32;
