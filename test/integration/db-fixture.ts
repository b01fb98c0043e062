import { createHash, randomUUID } from "node:crypto";
import {
  leasesOf,
  type Lease,
  type Sealed,
  type SealedKind,
  type StateName,
  type StateReasonCode,
  type StateType,
} from "@downbeat/contract";
import {
  applyTransitions,
  claimAlone,
  claimRuns,
  createPool,
  createRuns,
  createStandaloneRun,
  createWorkspace,
  type Database,
  enrolAgent,
  lockRuns,
  type NewRun,
  openSession,
  type TaskRunRow,
  type Transition,
  type Tx,
  upsertDeployments,
} from "@downbeat/db";

/** Text with the shape of a sealed blob: what the database can check without a key. */
export function aBlob<K extends SealedKind>(kind: K, keyId = randomUUID()): Sealed<K> {
  const header = { alg: "dir", enc: "A256GCM", typ: "dnb+jwe", kid: keyId, ws: randomUUID(), kind };
  return `${Buffer.from(JSON.stringify(header)).toString("base64url")}..${"A".repeat(16)}.Y2lwaGVy.${"A".repeat(22)}` as Sealed<K>;
}

export type Fixture = {
  readonly workspaceId: string;
  readonly poolId: string;
  readonly agentId: string;
  readonly inside: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
};

let made = 0;

/** A workspace with the pool `default`, the deployment `etl/default` and one agent. */
export async function aWorkspace(database: Database): Promise<Fixture> {
  made += 1;
  const { id: workspaceId } = await database.asOperator((tx) =>
    createWorkspace(tx, { name: `workspace ${made}` }),
  );
  const inside = <T>(work: (tx: Tx) => Promise<T>): Promise<T> =>
    database.inWorkspace({ workspaceId }, work);
  const pool = await inside((tx) => createPool(tx, { name: "default" }));
  await inside((tx) => upsertDeployments(tx, [aDeployment()]));
  const { agentId } = await inside((tx) => enrolAgent(tx, anAgent(workspaceId, pool.id)));
  return { workspaceId, poolId: pool.id, agentId, inside };
}

export function aDeployment(flowName = "etl") {
  return {
    flowName,
    name: "default",
    poolName: "default",
    queueName: "default",
    tags: ["nightly"],
    contentHash: createHash("sha256").update(flowName).digest("hex"),
    gitSha: null,
    parameterSchema: null,
    entrypoint: aBlob("entrypoint"),
    defaultParameters: null,
    retry: null,
    timeoutSeconds: null,
    exclusive: false,
    hostTransit: false,
  };
}

export function anAgent(workspaceId: string, poolId: string, name = "agent-1") {
  const coordinate = "A".repeat(43);
  const publicJwk = { kty: "EC" as const, crv: "P-256" as const, x: coordinate, y: coordinate };
  return { workspaceId, poolId, name, publicJwk };
}

export function aNewRun(given: Partial<NewRun> = {}): NewRun {
  return {
    flowName: "etl",
    deploymentName: "default",
    parameters: null,
    scheduledFor: null,
    tags: [],
    idempotencyKey: null,
    requestHash: "h1",
    createdBy: { kind: "api-key", id: null },
    ...given,
  };
}

/** A version 7 UUID of that time. */
export function idAt(atMs: number): string {
  const stamp = Math.floor(atMs).toString(16).padStart(12, "0");
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7${randomUUID().slice(15)}`;
}

/** So many seconds into a morning of work. */
export function workInstant(second: number): string {
  return new Date(Date.UTC(2026, 0, 5, 9, 0, second)).toISOString();
}

/** @param second when it started, see {@link workInstant}; null: it has not */
export function aTaskRun(
  { runId, index }: Pick<TaskRunRow, "runId" | "index">,
  second: number | null = index,
): TaskRunRow {
  return {
    runId,
    epoch: 1,
    taskRunId: randomUUID(),
    taskName: "extract",
    index,
    sequence: 0,
    type: second === null ? "PENDING" : "RUNNING",
    name: second === null ? "Pending" : "Running",
    at: workInstant(second ?? 0),
    attempt: 1,
    startedAt: second === null ? null : workInstant(second),
    endedAt: null,
    upstream: [],
    renderedName: null,
    error: null,
    result: null,
    cacheTag: null,
  };
}

/** Makes so many runs and returns their ids. */
export async function someRuns(fixture: Fixture, count: number): Promise<string[]> {
  const rows = Array.from({ length: count }, () => aNewRun());
  const created = await fixture.inside((tx) => createRuns(tx, rows));
  return created.flatMap((answer) => (answer.status === "created" ? answer.runId : []));
}

export async function aSession(
  fixture: Fixture,
  capacityOrLabels: number | { labels: readonly string[] } = 100,
  leaseSeconds = 45,
): Promise<string> {
  const isNumber = typeof capacityOrLabels === "number";
  const { sessionId } = await fixture.inside((tx) =>
    openSession(tx, {
      owner: { agentId: fixture.agentId },
      poolId: fixture.poolId,
      capacity: isNumber ? capacityOrLabels : 100,
      labels: isNumber ? [] : capacityOrLabels.labels,
      leaseSeconds,
    }),
  );
  return sessionId;
}

/** A run of no deployment, as a plain script makes it. */
export async function aScriptRun(fixture: Fixture, flowName: string): Promise<string> {
  const sessionId = await aSession(fixture);
  return fixture.inside(async (tx) => {
    const { id: flowId } = await tx.prisma.flow.findFirstOrThrow({ where: { name: flowName } });
    const createdBy = { kind: "agent", id: fixture.agentId } as const;
    const run = { sessionId, flowId, parameters: null, tags: [], createdBy };
    return (await createStandaloneRun(tx, run)).runId;
  });
}

export type GivenClaim = { sessionId: string; max?: number; claimRequestId?: string; now?: Date };

export async function claim(
  fixture: Fixture,
  given: GivenClaim,
  by: typeof claimRuns | typeof claimAlone = claimRuns,
): Promise<Lease[]> {
  const claimed = await fixture.inside((tx) =>
    by(tx, {
      sessionId: given.sessionId,
      principalId: fixture.agentId,
      claimRequestId: given.claimRequestId ?? randomUUID(),
      max: given.max ?? 100,
      now: given.now ?? null,
    }),
  );
  return leasesOf(claimed);
}

/** As one who was woken before the work was committed: in one round trip if it is the simple case, else the long way. */
export async function claimAhead(fixture: Fixture, given: GivenClaim): Promise<Lease[]> {
  const claimRequestId = given.claimRequestId ?? randomUUID();
  const leases = await claim(fixture, { ...given, claimRequestId }, claimAlone);
  return leases.length > 0 ? leases : claim(fixture, { ...given, claimRequestId });
}

/** One state after another for a run, as its agent would report them in one batch. */
export type Step = [
  type: StateType,
  name: StateName,
  reason: StateReasonCode,
  transitionId?: string,
];

/** Locks runs and writes the same steps to each, the rules of `core` aside. */
export async function moveRuns(
  fixture: Fixture,
  runIds: readonly string[],
  steps: readonly Step[],
  error: Transition["error"] = null,
): Promise<void> {
  await fixture.inside(async (tx) => {
    const runs = await lockRuns(tx, runIds);
    const rows = [...runs.values()].flatMap((run) =>
      steps.map(([type, name, reason, transitionId = randomUUID()], index) => ({
        runId: run.runId,
        workspaceId: fixture.workspaceId,
        epoch: run.epoch,
        sequence: run.sequence + 1 + index,
        transitionId,
        state: { type, name, at: new Date().toISOString() },
        reason,
        error,
        actor: { kind: "agent" as const, id: fixture.agentId },
      })),
    );
    if (rows.length !== runIds.length * steps.length)
      throw new Error("A run to move was not found.");
    await applyTransitions(tx, rows);
  });
}
