import { createRequire } from "node:module";
import { join } from "node:path";
import { createOpener, keyProvider } from "@downbeat/seal";
import { keySourceOf, type KeySource } from "@downbeat/seal/node";
import type { Client } from "@downbeat/client";
import type { ErrorDetail } from "@downbeat/contract";
import type { Logger } from "pino";
import { Agent } from "./agent.ts";
import type { AgentConfig } from "./config.ts";
import { CrashHooks } from "./crash-hooks.ts";
import { RunEgress } from "./egress.ts";
import { connect, patiently, type Enrolled } from "./enrol.ts";
import { EgressLedger } from "./egress-ledger.ts";
import { Journal, type StartedRun } from "./journal.ts";
import { KeyWatch } from "./key-watch.ts";
import { BriefFlows } from "./launchers/brief-flows.ts";
import type { Launcher } from "./launchers/launcher.ts";
import { ProcessLauncher } from "./launchers/process.ts";
import { WarmLauncher } from "./launchers/warm.ts";
import type { WorkerOptions } from "./launchers/worker-process.ts";
import { createLogger } from "./logger.ts";
import { LeaseGuard } from "./lease-guard.ts";
import { openSignedWork } from "./open-signed-work.ts";
import { openTriggers } from "./open-triggers.ts";
import { OomWatch } from "./oom-watch.ts";
import { Outbox } from "./outbox.ts";
import { Pace } from "./pace.ts";
import { PlaneWatch } from "./plane-watch.ts";
import { RunPreparer } from "./prepare-run.ts";
import { identifyGroup } from "./process-group.ts";
import { requireProject } from "./project.ts";
import { recover } from "./recover.ts";
import { RunTable } from "./run-table.ts";
import type { SupervisorParts } from "./run-supervisor.ts";
import { Sealer } from "./sealer.ts";
import { Session } from "./session.ts";
import { Shipper, type ShipperOptions } from "./shipper.ts";
import { StartGate } from "./start-gate.ts";
import { StartReporter } from "./start-reporter.ts";
import { Store } from "./store.ts";
import { tellEmptyLog } from "./tell-empty-log.ts";
import { TriggerPort } from "./trigger-port.ts";
import { VERSION } from "./version.ts";
import { readWorkspaceKey, type WorkspaceKey } from "./workspace-key.ts";

export type StartOptions = {
  /** Default: JSON lines on stderr at the configured level. */
  readonly logger?: Logger;
  /** Gives up starting when it aborts. */
  readonly signal?: AbortSignal;
};

type Local = {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly journal: Journal;
  readonly logger: Logger;
  readonly watch: PlaneWatch;
  readonly pace: Pace;
};

const WORKER_READY_TIMEOUT_MS = 30_000;
const KILL_GRACE_MS = 3_000;
// What the protocol allows a session to hold.
const MOST_CAPACITY = 10_000;

/**
 * Starts an agent in this process: enrols if need be, clears up after a predecessor, opens a session and takes work
 * until {@link Agent.stop}. Waits as long as the API is away.
 *
 * @throws DownbeatError `configuration_invalid`, `key_missing`, `key_wrong`, `data_directory_in_use`, or the API's refusal
 */
export async function startAgent(config: AgentConfig, options: StartOptions = {}): Promise<Agent> {
  await requireProject(config.project);
  const logger = options.logger ?? createLogger(config.logLevel);
  const stopping = new AbortController();
  options.signal?.addEventListener("abort", () => stopping.abort(), { once: true });
  const directory = join(config.home, "agents", config.name);
  const local = await openLocal(join(directory, "outbox"), config, logger);
  const undo = [() => local.store.close()];
  try {
    const ledger = await EgressLedger.open({
      directory: join(directory, "egress"),
      maxBytes: config.ledgerMegabytes * 1024 * 1024,
      now: () => new Date(),
    });
    const identityPath = join(directory, "identity.json");
    const { signal } = stopping;
    const enrolled = await connect({
      config,
      identityPath,
      logger,
      watch: local.watch,
      ledger,
      signal,
    });
    undo.push(() => enrolled.client.close());
    const { workspace } = await patiently({ watch: local.watch, signal }, () =>
      enrolled.client.call("whoAmI", {}),
    );
    const source = keySourceOf(config);
    const key = await readWorkspaceKey(source, workspace);
    return await assemble({ config, local, enrolled, source, key, stopping, undo });
  } catch (error) {
    stopping.abort();
    for (const step of undo.toReversed()) await step();
    throw error;
  }
}

async function openLocal(directory: string, config: AgentConfig, logger: Logger): Promise<Local> {
  const onError = (error: unknown) =>
    logger.error({ err: error }, "the outbox cannot be written; trying again");
  const store = await Store.open(directory, onError);
  const outbox = await Outbox.open({ store, maxBytes: config.outboxMegabytes * 1024 * 1024 });
  const watch = new PlaneWatch(logger);
  const pace = new Pace(() => performance.now());
  return { store, outbox, journal: new Journal(store), logger, watch, pace };
}

type Assembly = {
  readonly config: AgentConfig;
  readonly local: Local;
  readonly enrolled: Enrolled;
  readonly source: KeySource | undefined;
  readonly key: WorkspaceKey;
  readonly stopping: AbortController;
  /** What to take back, last first, when a later step fails. */
  readonly undo: (() => Promise<void>)[];
};

async function assemble(assembly: Assembly): Promise<Agent> {
  const { config, local, enrolled, source, key, stopping } = assembly;
  const { outbox, journal, logger, store, watch, pace } = local;
  const { client, identity } = enrolled;
  const { concurrency, prefetch, drainSeconds } = config;
  const { endedSessionIds, crashed } = await recover(local);
  const runs = new RunTable();
  const sealer = await Sealer.create(key.keyring);
  const onOutcome: ShipperOptions["onOutcome"] = ({ item }, outcome) => {
    runs.settle(item, outcome.status);
    void tellEmptyLog({ outbox, sealer, logger }, item, outcome);
  };
  const shipper = new Shipper({ client, outbox, logger, watch, onOutcome, pace });
  shipper.start();
  assembly.undo.push(() => shipper.stop());
  // What the predecessor saw must arrive before its sessions are declared over, or its runs would be closed without it.
  await outbox.whenEmpty(stopping.signal);
  const keys = new KeyWatch({ source, key, sealer, client, logger });
  keys.start();
  assembly.undo.push(async () => keys.stop());
  const leaseGuard = new LeaseGuard({ execArgv: config.childExecArgv });
  assembly.undo.push(async () => leaseGuard.close());
  const session = await openSession({ ...assembly, leaseGuard }, sealer, endedSessionIds);
  const launcher = createLauncher(config, journal);
  assembly.undo.push(() => launcher.close());
  const supervisor = await supervisorParts({ ...assembly, leaseGuard }, { sealer, keys, launcher });
  const close = async () => {
    keys.stop();
    // A successor delivers what is left under this session, and only then declares it over.
    if (outbox.size === 0) await journal.sessionsEnded([session.id]);
    await triggerPort?.close();
    await store.close();
    await client.close();
  };
  const loops = { client, session, runs, outbox, shipper, launcher, supervisor, logger, watch };
  const limits = { concurrency, prefetch, drainSeconds };
  const triggerPort = await openTriggerPort(config, supervisor);
  callCrashHooks(crashed, supervisor);
  return new Agent({ agentId: identity.agentId, ...loops, ...limits, stopping, close });
}

type GuardedAssembly = Assembly & { readonly leaseGuard: LeaseGuard };

async function openTriggerPort(
  { triggerPort: port, triggerHost: host, triggerToken: token }: AgentConfig,
  { triggers, client, logger }: SupervisorParts,
): Promise<TriggerPort | undefined> {
  if (port === undefined) return undefined;
  return TriggerPort.open({ port, host, token, triggers, client, logger });
}

async function openSession(
  { config, local, enrolled, stopping, leaseGuard }: GuardedAssembly,
  sealer: Sealer,
  endedSessionIds: readonly string[],
): Promise<Session> {
  const session = new Session({
    client: enrolled.client,
    journal: local.journal,
    logger: local.logger,
    watch: local.watch,
    capacity: Math.min(MOST_CAPACITY, config.concurrency + config.prefetch),
    queueNames: config.queues ?? [],
    labels: config.labels ?? [],
    version: VERSION,
    dataKey: () => sealer.wrappedDataKey,
    signal: stopping.signal,
    onOpened: (sentAtMs, leaseSeconds) => leaseGuard.renewed(sentAtMs, leaseSeconds),
  });
  await session.open(endedSessionIds);
  return session;
}

async function supervisorParts(
  assembly: GuardedAssembly,
  { sealer, keys, launcher }: { sealer: Sealer; keys: KeyWatch; launcher: Launcher },
): Promise<SupervisorParts> {
  const { config, local, enrolled, stopping } = assembly;
  const { outbox, journal, logger, watch, pace } = local;
  const { client } = enrolled;
  const nowMs = () => performance.now();
  // A free process waits for no other runs.
  const gatheringMs = () => (launcher.free > 0 ? 0 : pace.gatheringMs());
  const { workspaceId } = assembly.key.keyset;
  const starts = new StartReporter({ client, logger, watch, gatheringMs, signal: stopping.signal });
  launcher.whenShort?.(() => starts.hurry());
  const provider = keyProvider(workspaceId, () => keys.keyring);
  const signedWork = await openSignedWork(config, { ...local, workspaceId });
  const opener = createOpener(provider, { fetchDataKeys: (ids) => fetchDataKeys(client, ids) });
  return {
    outbox,
    journal,
    sealer,
    logger,
    launcher,
    client,
    watch,
    random: Math.random,
    pace,
    now: () => new Date(),
    signedWork,
    triggers: await openTriggers(config, { client, sealer, keys, opener, nowMs }),
    preparer: new RunPreparer({
      opener,
      reloadKey: () => keys.check(),
      watch,
      projectDirectory: config.project,
      allowed: config.allow,
      signedWork,
      workspaceId,
      captureConsole: config.captureConsole,
      nowMs,
    }),
    gate: new StartGate({ concurrency: config.concurrency, ahead: () => pace.ahead() }),
    starts,
    oomWatch: await OomWatch.start(),
    crashHooks: new CrashHooks({ launcher, logger }),
    leaseGuard: assembly.leaseGuard,
    briefFlows: new BriefFlows(),
    cancelGraceMs: config.cancelGraceSeconds * 1000,
    killGraceMs: KILL_GRACE_MS,
  };
}

const AGENT_RESTARTED: ErrorDetail = {
  class: "AgentRestarted",
  message: "The agent restarted; the process that ran the flow is gone.",
};

/** Of runs that the agent before this one had started. */
function callCrashHooks(runs: readonly StartedRun[], parts: SupervisorParts): void {
  for (const { crash, ...fence } of runs) {
    if (crash === undefined) continue;
    const egress = new RunEgress(parts, fence, crash);
    void parts.crashHooks.call({ call: crash.call, error: AGENT_RESTARTED, egress });
  }
}

const MOST_KEYS = 100;

async function fetchDataKeys(client: Client, ids: readonly string[]) {
  const pages: (readonly string[])[] = [];
  for (let at = 0; at < ids.length; at += MOST_KEYS) pages.push(ids.slice(at, at + MOST_KEYS));
  const answers = await Promise.all(
    pages.map((page) => client.call("readDataKeys", { query: { ids: page } })),
  );
  return answers.flatMap(({ dataKeys }) => dataKeys);
}

function createLauncher(config: AgentConfig, journal: Journal): Launcher {
  const require = createRequire(import.meta.url);
  const worker: WorkerOptions = {
    entryPath: config.workerEntryPath ?? require.resolve("@downbeat/sdk/worker"),
    execArgv: config.childExecArgv,
    // Both sides of tsx: a .ts file in a package without "type": "module" needs the CommonJS one too.
    tsLoaderUrls: [import.meta.resolve("tsx/cjs/api"), import.meta.resolve("tsx/esm/api")],
    projectDirectory: config.project,
    environment: config.childEnvironment,
    readyTimeoutMs: WORKER_READY_TIMEOUT_MS,
    onStart: async (pid) => journal.groupStarted(await identifyGroup(pid)),
    onExit: (pid) => journal.groupEnded(pid),
  };
  const options = { worker, limit: config.concurrency };
  return config.launcher === "warm" ? new WarmLauncher(options) : new ProcessLauncher(options);
}
