import { parseArgs } from "node:util";
import { EMBEDDED, startBenchPostgres, type BenchDatabase } from "./bench-database.ts";
import type { Figure } from "./figure.ts";
import { agentGrowth } from "./figures/agent-growth.ts";
import { apiProcesses } from "./figures/api-processes.ts";
import { cliStart } from "./figures/cli-start.ts";
import { dashboardJs, dashboardOpen } from "./figures/dashboard.ts";
import { deadRows } from "./figures/dead-rows.ts";
import { dispatchLatency } from "./figures/dispatch-latency.ts";
import { forkRatio } from "./figures/fork-ratio.ts";
import { fullPathThroughput } from "./figures/full-path-throughput.ts";
import { growth } from "./figures/growth.ts";
import { idleAgents } from "./figures/idle-agents.ts";
import { ingestion } from "./figures/ingestion.ts";
import { protocolThroughput } from "./figures/protocol-throughput.ts";
import { retentionSize } from "./figures/retention-size.ts";
import { sealedThroughput } from "./figures/sealed-throughput.ts";
import { signedThroughput } from "./figures/signed-throughput.ts";
import { sdkTaskCost } from "./figures/sdk-task-cost.ts";
import { taskRunsRecorded } from "./figures/task-runs-recorded.ts";

type Options = {
  /** Most finished runs that growth is measured up to, and that retention takes. */
  readonly runs: number;
  /** How long dead rows pile up. */
  readonly minutes: number;
};

type Measure = (postgres: BenchDatabase, options: Options) => Promise<Figure[]>;

const FIGURES: Record<string, Measure> = {
  protocol_throughput: async (postgres) => [await protocolThroughput(postgres)],
  full_path_throughput: async (postgres) => [
    await fullPathThroughput("full_path_throughput", postgres),
  ],
  full_path_throughput_pglite: async () => [
    await fullPathThroughput("full_path_throughput_pglite", EMBEDDED),
  ],
  sealed_throughput: async (postgres) => [await sealedThroughput(postgres)],
  signed_throughput: async (postgres) => [await signedThroughput(postgres)],
  dispatch: (postgres) => dispatchLatency(postgres),
  idle_agents: idleAgents,
  agent_growth: (postgres) => agentGrowth(postgres),
  api_processes: (postgres) => apiProcesses(postgres),
  ingestion: (postgres) => ingestion(postgres),
  growth: (postgres, { runs }) => growth(postgres, runs),
  retention_size: (postgres, { runs }) => retentionSize(postgres, runs),
  dead_rows: (postgres, { minutes }) => deadRows(postgres, minutes),
  dashboard_open: async (postgres) => [await dashboardOpen(postgres)],
  dashboard_js: async () => [await dashboardJs()],
  fork_ratio: async () => [await forkRatio()],
  cli_start: async () => [await cliStart()],
  sdk: () => sdkTaskCost(),
  sdk_task_runs: async (postgres) => [await taskRunsRecorded(postgres)],
};

const USAGE = `Usage: pnpm bench [figure…] [--json] [--runs N] [--minutes N]

Figures: ${Object.keys(FIGURES).join(", ")} (a prefix is enough; default: all)

--runs N  growth, retention_size: up to so many finished runs, default 100000; 10000000 takes half an hour and 25 GB of disk
--minutes N  dead_rows: load for so long, default 0.5`;

async function main(): Promise<void> {
  const { values, positionals: asked } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
      runs: { type: "string", default: "100000" },
      minutes: { type: "string", default: "0.5" },
    },
  });
  const { json: asJson } = values;
  const options = { runs: Number(values.runs), minutes: Number(values.minutes) };
  const names = Object.keys(FIGURES).filter(
    (name) => asked.length === 0 || asked.some((arg) => name.startsWith(arg)),
  );
  if (names.length === 0 || values.help) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const postgres = await startBenchPostgres();
  try {
    for (const name of names) {
      for (const figure of (await FIGURES[name]?.(postgres, options)) ?? []) print(figure, asJson);
    }
  } finally {
    await postgres.stop();
  }
}

function print(figure: Figure, asJson: boolean): void {
  if (asJson) {
    console.log(JSON.stringify(figure));
    return;
  }
  const { figure: name, value, unit, n, spread, limit, ratio } = figure;
  console.log(
    `${name.padEnd(30)} ${value} ${unit}  (n=${n}, ${spread[0]}–${spread[1]}; limit ${limit}, ratio ${ratio})`,
  );
}

await main();
