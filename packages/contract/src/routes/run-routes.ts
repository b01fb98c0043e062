import { z } from "zod";
import { Artifact, Metric } from "../artifact.ts";
import { plain } from "../boundary.ts";
import { BATCH_LIMIT } from "../protocol-limits.ts";
import { Flag, Id, Name } from "../identifiers.ts";
import { pageOf, pageQuery } from "../paging.ts";
import { LastLine } from "../problem.ts";
import { sealed } from "../sealed.ts";
import { signed } from "../signed.ts";
import { route } from "../route.ts";
import {
  BulkAnswer,
  BulkRequest,
  CancelAnswer,
  CreateOutcome,
  LogChunk,
  LogManifestPart,
  RetryMode,
  Run,
  RunDetail,
  RunFilter,
  RunIds,
  RunSpec,
  RunStateOverride,
  RunStateRecord,
  StreamedOutcome,
  TaskRun,
  TriggerSpec,
} from "../run.ts";
import { RunDay, RunDayFilter } from "../run-day.ts";
import { Why } from "../why.ts";
import { WrappedDataKey } from "../workspace.ts";

const runParams = z.strictObject({ runId: Id });
/** "epoch.number" of the last piece of a log that was read. */
const After = plain(z.string().regex(/^\d{1,9}\.\d{1,9}$/));
const dataKeys = z.array(WrappedDataKey).max(10).default([]);

/** Larger pages than elsewhere: a run may have thousands of task runs, and whoever looks at it wants to see many of them at once. */
const taskRunPageQuery = {
  ...pageQuery,
  limit: plain(z.coerce.number().int().min(1).max(1000)).default(50),
};

export const runRoutes = {
  createRun: route({
    method: "POST",
    path: "/v1/runs",
    summary: "Trigger a deployment",
    tag: "runs",
    access: ["runner", "agent"],
    body: z.strictObject({ ...TriggerSpec.shape, dataKeys }),
    response: Run,
    status: 201,
  }),
  createRuns: route({
    method: "POST",
    path: "/v1/runs/batch",
    summary: "Trigger many runs at once; each is answered on its own",
    tag: "runs",
    access: ["runner"],
    body: z.strictObject({
      runs: z.array(RunSpec).min(1).max(BATCH_LIMIT),
      dataKeys,
      /** `ids` for a shorter answer, when many are made. */
      returning: plain(z.enum(["runs", "ids"])).default("runs"),
    }),
    response: z.strictObject({ outcomes: z.array(CreateOutcome) }),
  }),
  createRunStream: route({
    method: "POST",
    path: "/v1/runs/stream",
    summary:
      "Trigger any number of runs, one a line; each is answered by a line, in order, as soon as it is committed",
    tag: "runs",
    access: ["runner"],
    body: RunSpec,
    response: z.union([StreamedOutcome, LastLine]),
    lines: { repeatableWith: ["runId", "idempotencyKey"] },
  }),
  listRuns: route({
    method: "GET",
    path: "/v1/runs",
    summary: "List runs, newest first, by filter",
    tag: "runs",
    access: ["viewer"],
    query: RunFilter,
    response: pageOf(Run),
  }),
  listRunDays: route({
    method: "GET",
    path: "/v1/run-days",
    summary:
      "Count the runs that have ended, by the day they were made (UTC) and how they ended; every day of the range, at most 366",
    tag: "runs",
    access: ["viewer"],
    query: RunDayFilter,
    response: z.strictObject({ days: z.array(RunDay) }),
  }),
  readRun: route({
    method: "GET",
    path: "/v1/runs/:runId",
    summary: "Read a run",
    tag: "runs",
    access: ["viewer"],
    params: runParams,
    response: RunDetail,
  }),
  readRuns: route({
    method: "POST",
    path: "/v1/runs/read",
    summary: "Read many runs by id; those that are not in this workspace are left out",
    tag: "runs",
    access: ["viewer"],
    body: z.strictObject({ runIds: RunIds }),
    response: z.strictObject({ items: z.array(Run) }),
  }),
  readWhy: route({
    method: "GET",
    path: "/v1/runs/:runId/why",
    summary: "Why a run is not running, in words and as a code",
    tag: "runs",
    access: ["viewer"],
    params: runParams,
    response: Why,
  }),
  cancelRun: route({
    method: "POST",
    path: "/v1/runs/:runId/cancel",
    summary: "Cancel a run; cancelling twice changes nothing",
    tag: "runs",
    access: ["runner"],
    params: runParams,
    response: CancelAnswer,
  }),
  retryRun: route({
    method: "POST",
    path: "/v1/runs/:runId/retry",
    summary:
      "Run an ended run again, beyond what its retry policy allows; the epoch goes on rising",
    tag: "runs",
    access: ["runner"],
    params: runParams,
    body: z.strictObject({ mode: RetryMode.default("from_start") }).default({ mode: "from_start" }),
    response: Run,
  }),
  resumeRun: route({
    method: "POST",
    path: "/v1/runs/:runId/resume",
    summary: "Let a paused run go on, with the input it waits for",
    tag: "runs",
    access: ["runner"],
    params: runParams,
    body: z.strictObject({
      /** The pause point that this is for. Said, so that a call that is made twice resumes nothing else. */
      point: Name.optional(),
      input: sealed("input").nullable().default(null),
      /** For agents that let nothing unsigned go on. */
      signature: signed("input").optional(),
      dataKeys,
    }),
    response: Run,
  }),
  setRunState: route({
    method: "POST",
    path: "/v1/runs/:runId/state",
    summary: "Declare a live run ended; its lease is void and its agent kills the process",
    tag: "runs",
    access: ["developer"],
    params: runParams,
    body: RunStateOverride,
    response: Run,
  }),
  deleteRun: route({
    method: "DELETE",
    path: "/v1/runs/:runId",
    summary: "Delete an ended run with its history, task runs, logs and artifacts",
    tag: "runs",
    access: ["developer"],
    params: runParams,
    response: z.strictObject({ deleted: Flag }),
  }),
  bulkRuns: route({
    method: "POST",
    path: "/v1/runs/bulk",
    summary: "Cancel, retry or delete every run that a filter matches; `dryRun` only counts",
    tag: "runs",
    access: ["runner"],
    body: BulkRequest,
    response: BulkAnswer,
  }),
  listRunStates: route({
    method: "GET",
    path: "/v1/runs/:runId/states",
    summary: "The run's history, oldest first: what, when, who and why",
    tag: "runs",
    access: ["viewer"],
    params: runParams,
    response: z.strictObject({ items: z.array(RunStateRecord) }),
  }),
  listTaskRuns: route({
    method: "GET",
    path: "/v1/runs/:runId/task-runs",
    summary: "The run's task runs, in order of start",
    tag: "runs",
    access: ["viewer"],
    params: runParams,
    query: z.strictObject(taskRunPageQuery),
    response: pageOf(TaskRun),
  }),
  listArtifacts: route({
    method: "GET",
    path: "/v1/runs/:runId/artifacts",
    summary: "The run's artifacts in their newest versions, in order of their first ones",
    tag: "runs",
    access: ["viewer"],
    params: runParams,
    query: z.strictObject(pageQuery),
    response: pageOf(Artifact),
  }),
  listMetrics: route({
    method: "GET",
    path: "/v1/runs/:runId/metrics",
    summary: "The run's public numbers, by name",
    tag: "runs",
    access: ["viewer"],
    params: runParams,
    query: z.strictObject(pageQuery),
    response: pageOf(Metric),
  }),
  listLogChunks: route({
    method: "GET",
    path: "/v1/runs/:runId/logs",
    summary:
      "Sealed log chunks after a cursor; held up to `waitSeconds` while the run is live and nothing is new",
    tag: "runs",
    access: ["viewer"],
    params: runParams,
    query: z.strictObject({
      after: After.optional(),
      limit: pageQuery.limit,
      waitSeconds: plain(z.coerce.number().min(0).max(20)).default(0),
    }),
    response: z.strictObject({
      items: z.array(LogChunk),
      /** "epoch.sequence" of the last chunk, to pass as `after`. */
      nextAfter: plain(z.string()).nullable(),
      /** True once the run is terminal and nothing more is stored. */
      complete: Flag,
      /** The wrapped data keys that these chunks name. */
      dataKeys: z.array(WrappedDataKey),
    }),
  }),
  listLogManifests: route({
    method: "GET",
    path: "/v1/runs/:runId/log-manifests",
    summary: "The sealed lists of what the log of each attempt consists of",
    tag: "runs",
    access: ["viewer"],
    params: runParams,
    query: z.strictObject({ after: After.optional(), limit: pageQuery.limit }),
    response: z.strictObject({
      items: z.array(LogManifestPart),
      /** "epoch.part" of the last one, to pass as `after`; null when there are no more. */
      nextAfter: plain(z.string()).nullable(),
      /** The wrapped data keys that these name. */
      dataKeys: z.array(WrappedDataKey),
    }),
  }),
};
