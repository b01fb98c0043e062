import { DownbeatError } from "@downbeat/contract/errors";
import { LONGEST_NAME, MOST_TAGS, NAME_PATTERN } from "@downbeat/contract/name-pattern";
import { quotedTag, tagFlaw } from "./tag-flaw.ts";
import type { TaskRun } from "./task-run.ts";

/** The most limits one task may name. */
const MOST_LIMITS = 16;

/** @throws DownbeatError `definition_invalid` when these cannot be names of limits. */
export function checkLimits(owner: string, limits: readonly string[] = []): void {
  const wrong = limits.find((name) => name.length > LONGEST_NAME || !NAME_PATTERN.test(name));
  if (wrong === undefined && limits.length <= MOST_LIMITS) return;
  throw new DownbeatError("definition_invalid", {
    message:
      wrong === undefined
        ? `${owner}: limits names ${limits.length} limits; ${MOST_LIMITS} is the most`
        : `${owner}: limits: "${wrong}" cannot name a limit`,
  });
}

/** @throws DownbeatError `definition_invalid` when these cannot be tags. */
export function checkTags(owner: string, tags: readonly string[] = []): void {
  const wrong = tags.findIndex((tag) => tagFlaw(tag) !== undefined);
  if (wrong === -1 && tags.length <= MOST_TAGS) return;
  throw new DownbeatError("definition_invalid", {
    message:
      wrong === -1
        ? `${owner}: tags has ${tags.length} tags; ${MOST_TAGS} is the most`
        : `${owner}: tags: ${quotedTag(tags[wrong])} cannot be a tag; it ${tagFlaw(tags[wrong])}`,
  });
}

/**
 * What an attempt must have before it starts: a place among the tasks of its flow, then a slot of each limit, asked of
 * whoever hosts the run. Undefined when nothing limits it: without a host, no limit does.
 */
export function admissionTo(run: TaskRun): ((attempt: number) => Promise<() => void>) | undefined {
  const limited = admissionToLimits(run);
  const { slots, signal } = run.frame;
  if (slots === undefined) return limited;
  return async (attempt) => {
    if (!slots.tryTake()) {
      run.awaitingSlot(attempt);
      await slots.take(signal);
    }
    try {
      const leave = await limited?.(attempt);
      return () => {
        leave?.();
        slots.give();
      };
    } catch (error) {
      slots.give();
      throw error;
    }
  };
}

// Labels are on many tasks and limits on few: one that no limit is for costs no question.
function admissionToLimits(run: TaskRun): ((attempt: number) => Promise<() => void>) | undefined {
  const { scope, signal } = run.frame;
  const host = scope?.host;
  const { limits = [], tags = [] } = run.spec;
  if (host?.acquireSlots === undefined) return undefined;
  const limited = tags.filter((tag) => host.limitedTags?.includes(tag));
  if (limits.length + limited.length === 0) return undefined;
  return async (attempt) => {
    run.awaitingSlot(attempt);
    const asked = { limitNames: [...new Set(limits)], tags: [...new Set(limited)] };
    const request = { taskRunId: run.taskRunId, ...asked };
    return (await host.acquireSlots?.(request, signal)) ?? (() => {});
  };
}
