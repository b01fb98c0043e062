import { isKeptText, LONGEST_TAG, TEXT_RULE } from "@downbeat/contract/name-pattern";

/** Why the plane would refuse a tag, after "it"; undefined when it would not. */
export function tagFlaw(tag: unknown): string | undefined {
  if (typeof tag !== "string") return "is not text";
  if (tag === "" || tag.length > LONGEST_TAG) return `is not 1 to ${LONGEST_TAG} characters long`;
  return isKeptText(tag) ? undefined : TEXT_RULE;
}

/** The tag as it can stand in a message. */
export function quotedTag(tag: unknown): string {
  return typeof tag === "string" ? JSON.stringify(tag) : String(tag);
}
