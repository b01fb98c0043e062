import { DownbeatError } from "@downbeat/contract/errors";
import { LONGEST_NAME, NAME_PATTERN } from "@downbeat/contract/name-pattern";
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

/**
 * What an attempt must have before it starts: a place among the tasks of its flow, then a slot of each limit, asked of
 * whoever hosts the run. Undefined when nothing limits it: without a host, no limit does.
 */
export function admissionTo(
  limits: readonly string[] | undefined,
  run: TaskRun,
): ((attempt: number) => Promise<() => void>) | undefined {
  const limited = admissionToLimits(limits, run);
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

function admissionToLimits(
  limits: readonly string[] | undefined,
  run: TaskRun,
): ((attempt: number) => Promise<() => void>) | undefined {
  const { scope, signal } = run.frame;
  const host = scope?.host;
  if (limits === undefined || limits.length === 0 || host?.acquireSlots === undefined)
    return undefined;
  return async (attempt) => {
    run.awaitingSlot(attempt);
    const limitNames = [...new Set(limits)];
    const request = { taskRunId: run.taskRunId, limitNames };
    return (await host.acquireSlots?.(request, signal)) ?? (() => {});
  };
}
