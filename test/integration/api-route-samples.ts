import { randomUUID } from "node:crypto";
import type { RouteInput, RouteName, ROUTES } from "@downbeat/contract";
import type { TestWorkspace } from "./api-harness.ts";

type Sample = {
  readonly params?: Record<string, string>;
  readonly query?: Record<string, string>;
  readonly body?: unknown;
};

const FENCE = { runId: randomUUID(), epoch: 1, leaseToken: "0".repeat(32) };
const JWK = { kty: "EC", crv: "P-256", x: "A".repeat(43), y: "B".repeat(43) } as const;

/**
 * A well-formed request for every route, about things that do not exist. Tests that walk the route table use it, and
 * fail to compile when a route is added without a sample.
 */
export async function sampleRequests({
  seal,
  dataKey,
}: TestWorkspace): Promise<Record<RouteName, Sample>> {
  const parameters = await seal({ kind: "parameters", dep: "nothing/default" }, {});
  const entrypoint = await seal({ kind: "entrypoint", dep: "nothing/default" }, {});
  const detail = await seal({ kind: "error", run: FENCE.runId, epoch: 1 }, {});
  const error = { class: "TypeError", exitCode: null, signal: null, fingerprint: null, detail };
  const result = await seal({ kind: "result", run: FENCE.runId, epoch: 1 }, { key: "k" });
  const state = { type: "RUNNING", name: "Running" } as const;
  const transition = {
    kind: "transition",
    ...FENCE,
    ...state,
    transitionId: randomUUID(),
    reason: "started",
    error,
    result,
  } as const;
  const taskRun = {
    kind: "task_run",
    ...FENCE,
    ...state,
    taskRunId: randomUUID(),
    taskName: "read",
    index: 0,
    sequence: 0,
    at: "2026-01-01T00:00:00Z",
    attempt: 1,
    startedAt: null,
    endedAt: null,
    renderedName: await seal({ kind: "rendered-name", run: FENCE.runId, epoch: 1 }, "name"),
    error,
    result,
  } as const;
  const chunk = await seal({ kind: "log", run: FENCE.runId, epoch: 1, seq: 0 }, []);
  const manifest = {
    kind: "log_manifest",
    ...FENCE,
    part: 0,
    manifest: await seal(
      { kind: "log-manifest", run: FENCE.runId, epoch: 1, seq: 0 },
      { from: 0, tags: [], linesLeftOut: 0, end: true },
    ),
  } as const;
  const log = { kind: "log", ...FENCE, sequence: 0, lineCount: 1, chunk } as const;
  const artifact = {
    kind: "artifact",
    ...FENCE,
    keyTag: "A".repeat(43),
    sequence: 0,
    detail: await seal({ kind: "artifact", run: FENCE.runId, epoch: 1, seq: 0 }, {}),
  } as const;
  const metric = { kind: "metric", ...FENCE, name: "rows", sequence: 1, value: 1 } as const;
  const run = { flowName: "nothing", parameters };
  const runId = randomUUID();
  const dataKeys = [dataKey.wrapped];
  const spec = {
    flowName: "nothing",
    contentHash: "0".repeat(64),
    entrypoint,
    defaultParameters: await seal({ kind: "defaults", dep: "nothing/default" }, {}),
  };
  const samples: { [N in RouteName]: RouteInput<(typeof ROUTES)[N]> } = {
    exchangeToken: { body: { grant: "api_key", apiKey: "dnb_" } },
    whoAmI: {},
    setWorkspaceKey: { body: { keyId: "A".repeat(43), publicJwk: JWK } },
    rotateWorkspaceKey: {
      body: {
        fromKeyId: "A".repeat(43),
        key: { keyId: "B".repeat(43), publicJwk: JWK },
        statement: "eyJ9.e30.AA",
        archive: "eyJ9..AA.AA.AA",
      },
    },
    listKeyRotations: {},
    listDataKeys: { query: {} },
    rewrapDataKeys: { body: { dataKeys } },
    createDataKeys: { body: { dataKeys } },
    readDataKeys: { query: { ids: runId } },
    createApiKey: { body: { name: "sample", role: "viewer" } },
    listApiKeys: { query: {} },
    revokeApiKey: { params: { apiKeyId: runId } },
    listFlows: { query: {} },
    readFlow: { params: { flowName: "nothing" } },
    listFlowVersions: { params: { flowName: "nothing" }, query: {} },
    deploy: { body: { deployments: [spec] } },
    listDeployments: { query: {} },
    readDeployment: { params: { flowName: "nothing", deploymentName: "default" } },
    updateDeployment: { params: { deploymentId: runId }, body: { paused: true } },
    listPools: { query: {} },
    createPool: { body: { name: "sample" } },
    readPool: { params: { poolName: "nothing" } },
    updatePool: { params: { poolName: "nothing" }, body: { paused: true } },
    createQueue: { params: { poolName: "nothing" }, body: { name: "sample", priority: 1 } },
    createEnrolmentToken: { params: { poolName: "nothing" } },
    listAgents: { query: {} },
    createRun: { body: { ...run, dataKeys } },
    createRuns: { body: { runs: [run], dataKeys } },
    createRunStream: { body: run },
    listRuns: { query: {} },
    listRunDays: { query: {} },
    readRuns: { body: { runIds: [runId] } },
    readRun: { params: { runId } },
    readWhy: { params: { runId } },
    listLimits: { query: {} },
    readLimit: { params: { limitName: "nothing" } },
    setLimit: { params: { limitName: "sample" }, body: { slots: 1 } },
    removeLimit: { params: { limitName: "nothing" } },
    acquireSlots: { body: { ...FENCE, requestId: runId, limitNames: ["nothing"] } },
    releaseSlots: { body: { ...FENCE, requestIds: [runId] } },
    cancelRun: { params: { runId } },
    retryRun: { params: { runId } },
    resumeRun: {
      params: { runId },
      body: { input: await seal({ kind: "input", run: runId }, {}) },
    },
    setRunState: { params: { runId }, body: { type: "FAILED" } },
    deleteRun: { params: { runId } },
    bulkRuns: { body: { action: "cancel", filter: { flowName: "nothing" } } },
    listRunStates: { params: { runId } },
    listTaskRuns: { params: { runId }, query: {} },
    listArtifacts: { params: { runId }, query: {} },
    listMetrics: { params: { runId }, query: {} },
    listLogChunks: { params: { runId }, query: {} },
    listLogManifests: { params: { runId }, query: {} },
    enrolAgent: {
      body: {
        token: `dnbenrol_${"0".repeat(32)}_${"A".repeat(43)}`,
        name: "sample",
        publicJwk: JWK,
      },
    },
    openSession: { body: { capacity: 1, version: "1", dataKeys } },
    claim: { body: { sessionId: runId, claimRequestId: runId, max: 1, waitSeconds: 0 } },
    report: { body: { items: [transition, taskRun, log, manifest, artifact, metric] } },
    heartbeat: { body: { sessionId: runId, tick: 1, runs: [] } },
    release: { body: { sessionId: runId, runs: [FENCE] } },
    triggerChildren: { body: { ...FENCE, runs: [run] } },
    readChildren: { body: { ...FENCE, runIds: [runId] } },
    openStandaloneRun: { body: { flowName: "sample", parameters, dataKeys } },
  };
  return samples as Record<RouteName, Sample>;
}
