import {
  ArtifactContent,
  ErrorClass,
  Id,
  LimitNames,
  LONGEST_ARTIFACT_KEY,
  LOG_LEVELS,
  Name,
  PausePoint,
  ResultPointer,
  StateName,
  StateType,
  Tags,
} from "@downbeat/contract";
import { z } from "zod";

type ErrorData = {
  class: string;
  message: string;
  stack?: string | undefined;
  cause?: ErrorData | undefined;
};

const ErrorData: z.ZodType<ErrorData> = z.object({
  class: ErrorClass.catch("Error"),
  message: z.string(),
  stack: z.string().optional(),
  cause: z.lazy(() => ErrorData).optional(),
});

const instant = z.iso.datetime();

const Event = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("task_run"),
    taskRunId: Id,
    taskName: Name,
    index: z.int().min(0),
    sequence: z.int().min(0),
    state: z.object({ type: StateType, name: StateName, at: instant }),
    attempt: z.int().min(0),
    startedAt: instant.optional(),
    endedAt: instant.optional(),
    upstream: z.array(Id).max(1000),
    error: ErrorData.optional(),
    renderedName: z.string().optional(),
    result: ResultPointer.optional(),
    cacheKey: z.string().max(100).optional(),
  }),
  z.object({
    kind: z.literal("log"),
    at: instant,
    level: z.enum(LOG_LEVELS),
    logger: z.string(),
    text: z.string(),
    fields: z.record(z.string(), z.unknown()).optional(),
    taskRunId: Id.optional(),
  }),
  z.object({
    kind: z.literal("artifact"),
    at: instant,
    key: z.string().min(1).max(LONGEST_ARTIFACT_KEY),
    title: z.string().max(1_000).optional(),
    taskRunId: Id.optional(),
    content: ArtifactContent,
  }),
  z.object({ kind: z.literal("metric"), name: Name, value: z.number() }),
  z.object({
    kind: z.literal("flow_state"),
    state: z.object({ type: z.literal("RUNNING"), name: z.enum(["Retrying", "Running"]) }),
    attempt: z.int(),
    error: ErrorData.optional(),
  }),
]);

const abandoned = z.literal(true).optional();

const Outcome = z.discriminatedUnion("outcome", [
  z.object({
    outcome: z.literal("completed"),
    result: ResultPointer.optional(),
    abandoned,
  }),
  z.object({
    outcome: z.literal("failed"),
    stateName: z.enum(["Failed", "TimedOut"]),
    error: ErrorData,
    abandoned,
  }),
  z.object({ outcome: z.literal("cancelled"), abandoned }),
  z.object({ outcome: z.literal("suspended"), pause: PausePoint, abandoned }),
]);

const WorkerMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), pid: z.int() }),
  z.object({
    type: z.literal("started"),
    runId: Id,
    timeoutMs: z.number().positive().optional(),
    compressLogs: z.boolean().optional(),
    hearsCrash: z.literal(true).optional(),
  }),
  z.object({ type: z.literal("paused"), runId: Id, point: PausePoint }),
  z.object({ type: z.literal("events"), runId: Id, events: z.array(z.unknown()) }),
  z.object({
    type: z.literal("acquire_slots"),
    runId: Id,
    requestId: Id,
    taskRunId: Id,
    limitNames: LimitNames,
    tags: Tags.default([]),
  }),
  z.object({ type: z.literal("release_slots"), runId: Id, requestId: Id }),
  // Checked by who answers it, so that a call which does not fit is answered too.
  z.object({ type: z.literal("remote_call"), runId: Id, requestId: Id, call: z.unknown() }),
  z.object({
    type: z.literal("finished"),
    runId: Id,
    outcome: Outcome,
    tookMs: z.number().default(0),
    next: z.object({ runId: Id, series: z.int() }).optional(),
  }),
  z.object({ type: z.literal("begins"), runId: Id, series: z.int() }),
  z.object({ type: z.literal("series_ended"), series: z.int(), late: Id.optional() }),
]);

export type WorkerEvent = z.infer<typeof Event>;
export type WorkerOutcome = z.infer<typeof Outcome>;
export type WorkerMessage =
  | Exclude<z.infer<typeof WorkerMessage>, { type: "events" }>
  | { type: "events"; runId: string; events: WorkerEvent[]; refused: number };

/**
 * Checks what came over IPC: user code shares the child's process and can send anything. What does not fit would make
 * the plane refuse a whole batch later.
 *
 * @returns undefined for something that is no worker's message; single events that do not fit are counted in `refused`.
 */
export function readWorkerMessage(raw: unknown): WorkerMessage | undefined {
  const message = WorkerMessage.safeParse(raw);
  if (!message.success) return undefined;
  if (message.data.type !== "events") return message.data;
  const { runId, events } = message.data;
  const read = events.map((event) => Event.safeParse(event));
  const fitting = read.flatMap(({ data }) => (data === undefined ? [] : [data]));
  return { type: "events", runId, events: fitting, refused: events.length - fitting.length };
}
