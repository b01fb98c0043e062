import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ArtifactDetail, LogLine } from "@downbeat/contract";
import {
  createDataKey,
  createKeyset,
  createOpener,
  importKeyring,
  publicKeyOf,
  sealJson,
  type DataKey,
  type Opener,
} from "@downbeat/seal";
import { writeKeyset } from "@downbeat/seal/node";
import type { AgentConfig } from "./config.ts";
import { FakePlane } from "./fake-plane.fixture.ts";
import type { FakeRun } from "./fake-report.fixture.ts";
import { aProject, SOURCE_WORKER } from "./worker-options.fixture.ts";

const WORKSPACE_ID = "0198f2a0-0000-7000-8000-000000000001";

/** A plane, a workspace key and a project: all that an agent needs around it. */
export type AgentWorld = {
  readonly plane: FakePlane;
  readonly config: AgentConfig;
  readonly opener: Opener;
  readonly dataKey: DataKey;
  /** Offers a run of an export of `flows.ts`, which is also the flow's name. */
  readonly offer: (
    exportName: string,
    parameters?: unknown,
    entrypoint?: object,
  ) => Promise<FakeRun>;
  readonly logLines: (run: FakeRun) => Promise<LogLine[]>;
  /** Its artifacts in their newest versions. */
  readonly artifacts: (run: FakeRun) => Promise<ArtifactDetail[]>;
};

export async function anAgentWorld(
  flows: string,
  over: Partial<AgentConfig> = {},
): Promise<AgentWorld> {
  const keyset = await createKeyset({ workspaceId: WORKSPACE_ID, now: new Date() });
  const keyring = await importKeyring(keyset);
  const key = publicKeyOf(keyset);
  const plane = await FakePlane.start({ workspaceId: WORKSPACE_ID, key });
  const home = mkdtempSync(join(tmpdir(), "downbeat-home-"));
  const keyFile = join(home, "keys", "workspace.json");
  await writeKeyset(keyFile, keyset);
  const dataKey = await createDataKey({ recipients: [key], keyring });
  plane.dataKeys.set(dataKey.id, dataKey.wrapped);
  const opener = createOpener(keyring, {
    fetchDataKeys: async (ids) => ids.flatMap((id) => plane.dataKeys.get(id) ?? []),
  });
  const config = aConfig({
    apiUrl: plane.url,
    home,
    keyFile,
    project: aProject({ "flows.ts": flows }),
    ...over,
  });
  return {
    plane,
    config,
    opener,
    dataKey,
    offer: offerTo(plane, dataKey),
    logLines: logLinesWith(opener),
    artifacts: artifactsWith(opener),
  };
}

function offerTo(plane: FakePlane, dataKey: DataKey): AgentWorld["offer"] {
  return async (exportName, parameters, entrypoint = { path: "flows.ts", export: exportName }) => {
    const dep = `${exportName}/default`;
    return plane.offer({
      flowName: exportName,
      entrypoint: await sealJson(dataKey, { kind: "entrypoint", dep }, entrypoint),
      defaultParameters: null,
      parameters:
        parameters === undefined
          ? null
          : await sealJson(dataKey, { kind: "parameters", dep }, parameters),
    });
  };
}

function logLinesWith(opener: Opener): AgentWorld["logLines"] {
  return async (run) => {
    const { runId, epoch } = run.lease;
    const chunks = run.logs.toSorted((a, b) => a.sequence - b.sequence);
    const opened = chunks.map(({ chunk, sequence }) =>
      opener.open(chunk, { kind: "log", run: runId, epoch, seq: sequence }),
    );
    return (await Promise.all(opened)).flat() as LogLine[];
  };
}

function artifactsWith(opener: Opener): AgentWorld["artifacts"] {
  return async (run) => {
    const { runId, epoch } = run.lease;
    const items = run.shown.flatMap((item) => (item.kind === "artifact" ? [item] : []));
    items.sort((a, b) => a.sequence - b.sequence);
    const newest = new Map(items.map((item) => [item.keyTag, item]));
    const opened = [...newest.values()].map(({ detail, sequence }) =>
      opener.open(detail, { kind: "artifact", run: runId, epoch, seq: sequence }),
    );
    return (await Promise.all(opened)) as ArtifactDetail[];
  };
}

function aConfig(over: Partial<AgentConfig>): AgentConfig {
  return {
    apiUrl: "",
    apiKey: "dnb_test",
    enrolToken: undefined,
    keyFile: undefined,
    keyText: undefined,
    home: "",
    profileFile: undefined,
    project: "",
    pool: "default",
    allow: undefined,
    requireSigned: "off",
    signersFile: undefined,
    signingKeyFile: undefined,
    ledgerMegabytes: 1,
    triggerPort: undefined,
    triggerHost: "127.0.0.1",
    triggerToken: undefined,
    queues: undefined,
    labels: undefined,
    name: "test",
    concurrency: 2,
    prefetch: 200,
    launcher: "warm",
    captureConsole: false,
    drainSeconds: 20,
    cancelGraceSeconds: 1,
    outboxMegabytes: 256,
    logLevel: "silent",
    readyLine: false,
    childEnvironment: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    childExecArgv: SOURCE_WORKER.execArgv,
    workerEntryPath: SOURCE_WORKER.entryPath,
    ...over,
  };
}
