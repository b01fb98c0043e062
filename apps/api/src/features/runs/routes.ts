import { ROUTES } from "@downbeat/contract";
import {
  listArtifacts,
  listLogManifests,
  listMetrics,
  listRuns,
  listRunStates,
  listTaskRuns,
  readRuns,
} from "@downbeat/db";
import type { RegisterRoute } from "../../register-route.ts";
import type { Services } from "../../services.ts";
import { bulkRuns } from "./bulk-runs.ts";
import { cancelRun } from "./cancel-run.ts";
import { createLines } from "./create-lines.ts";
import { RunCreator } from "./create-runs.ts";
import { deleteRun } from "./delete-run.ts";
import { inRun } from "./in-run.ts";
import { listRunDays } from "./list-run-days.ts";
import { readLogs } from "./read-logs.ts";
import { readRunDetail, readWhy } from "./read-run-detail.ts";
import { resumeRun } from "./resume-run.ts";
import { retryRun } from "./retry-runs.ts";
import { sealOnArrival } from "./seal-on-arrival.ts";
import { setRunState } from "./set-run-state.ts";
import { readChildren, triggerChildren } from "./trigger-children.ts";

export function runRoutes(register: RegisterRoute, services: Services): void {
  const { database } = services;
  const creator = new RunCreator(services);
  register(ROUTES.createRun, async ({ ctx, body: { dataKeys, ...spec } }) =>
    creator.createOne(ctx, await sealOnArrival(services, ctx, spec), dataKeys),
  );
  register(ROUTES.createRuns, ({ ctx, body }) => creator.createMany(ctx, body));
  register(ROUTES.createRunStream, (call) => createLines(creator, call));
  register(ROUTES.listRuns, ({ ctx, query }) =>
    database.inWorkspace(ctx, (tx) => listRuns(tx, query)),
  );
  register(ROUTES.readRuns, ({ ctx, body }) =>
    database.inWorkspace(ctx, async (tx) => ({
      items: [...(await readRuns(tx, body.runIds)).values()],
    })),
  );
  register(ROUTES.listRunDays, ({ ctx, query }) => listRunDays(services, ctx, query));
  register(ROUTES.triggerChildren, ({ ctx, body }) => triggerChildren(services, ctx, body));
  register(ROUTES.readChildren, ({ ctx, body }) => readChildren(services, ctx, body));
  register(ROUTES.readRun, ({ ctx, params }) => readRunDetail(services, ctx, params.runId));
  register(ROUTES.readWhy, ({ ctx, params }) => readWhy(services, ctx, params.runId));
  register(ROUTES.cancelRun, ({ ctx, params }) => cancelRun(services, ctx, params.runId));
  register(ROUTES.retryRun, ({ ctx, params, body }) =>
    retryRun(services, ctx, { ...params, ...body }),
  );
  register(ROUTES.resumeRun, ({ ctx, params, body }) =>
    resumeRun(services, ctx, { ...params, ...body }),
  );
  register(ROUTES.setRunState, ({ ctx, params, body }) =>
    setRunState(services, ctx, { ...params, ...body }),
  );
  register(ROUTES.deleteRun, ({ ctx, params }) => deleteRun(services, ctx, params.runId));
  register(ROUTES.bulkRuns, ({ ctx, body }) => bulkRuns(services, ctx, body));
  runRecordRoutes(register, services);
}

/** What belongs to a run. */
function runRecordRoutes(register: RegisterRoute, services: Services): void {
  register(ROUTES.listRunStates, ({ ctx, params: { runId } }) =>
    inRun(services, { ctx, runId }, async (tx) => ({ items: await listRunStates(tx, runId) })),
  );
  register(ROUTES.listTaskRuns, ({ ctx, params: { runId }, query }) =>
    inRun(services, { ctx, runId }, (tx) => listTaskRuns(tx, { runId, ...query })),
  );
  register(ROUTES.listArtifacts, ({ ctx, params: { runId }, query }) =>
    inRun(services, { ctx, runId }, (tx) => listArtifacts(tx, { runId, ...query })),
  );
  register(ROUTES.listMetrics, ({ ctx, params: { runId }, query }) =>
    inRun(services, { ctx, runId }, (tx) => listMetrics(tx, { runId, ...query })),
  );
  register(ROUTES.listLogChunks, ({ ctx, params, query }) =>
    readLogs(services, ctx, { ...params, ...query }),
  );
  register(ROUTES.listLogManifests, ({ ctx, params: { runId }, query }) =>
    inRun(services, { ctx, runId }, (tx) => listLogManifests(tx, { runId, ...query })),
  );
}
