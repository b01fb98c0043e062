import { DownbeatError } from "@downbeat/contract/errors";
import { LONGEST_NAME, MOST_TAGS, NAME_PATTERN, NAME_RULE } from "@downbeat/contract/name-pattern";
import { quotedTag, tagFlaw } from "../tag-flaw.ts";

/** A deployment by its names. */
export type DeploymentName = {
  readonly flow: string;
  /** Default `default`. */
  readonly deployment?: string;
};

/** @throws DownbeatError `usage_invalid` for what cannot name a deployment */
export function deploymentNamed(target: string | DeploymentName): {
  flowName: string;
  deploymentName: string;
} {
  const { flow, deployment = "default" } = typeof target === "string" ? split(target) : target;
  for (const name of [flow, deployment]) {
    if (name.length > 0 && name.length <= LONGEST_NAME && NAME_PATTERN.test(name)) continue;
    throw invalid(`"${name}" names no flow or deployment: it ${NAME_RULE}`);
  }
  return { flowName: flow, deploymentName: deployment };
}

function split(target: string): DeploymentName {
  const [flow = "", deployment, ...rest] = target.split("/");
  if (rest.length > 0) throw invalid(`"${target}" is neither "flow" nor "flow/deployment"`);
  return deployment === undefined ? { flow } : { flow, deployment };
}

/** @throws DownbeatError `usage_invalid` for tags that the plane would refuse */
export function checkTags(tags: readonly string[]): readonly string[] {
  for (const tag of tags) {
    const flaw = tagFlaw(tag);
    if (flaw !== undefined) throw invalid(`the tag ${quotedTag(tag)} ${flaw}`);
  }
  if (tags.length > MOST_TAGS)
    throw invalid(`${tags.length} tags are given; ${MOST_TAGS} is the most`);
  return tags;
}

/** @throws DownbeatError `usage_invalid` for what is no time */
export function instantText(time: Date | string): string {
  const instant = new Date(time);
  if (!Number.isNaN(instant.getTime())) return instant.toISOString();
  throw invalid(`scheduledFor is "${String(time)}", which is no time; pass a Date or ISO 8601`);
}

function invalid(message: string): DownbeatError {
  return new DownbeatError("usage_invalid", { message });
}
