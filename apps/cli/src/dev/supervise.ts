import { join } from "node:path";
import type { CliContext } from "../context.ts";
import { Interrupted } from "../interrupt.ts";
import { unlockedPageUrl } from "../ui/page-url.ts";
import { commandWords, placesWords } from "./banner.ts";
import { devApiKey, prepareWorkspace, type DevWorkspace } from "./dev-profile.ts";
import { deployProject } from "./dev-project.ts";
import { agentService, apiService } from "./dev-services.ts";
import { lockHome } from "./home-lock.ts";
import type { KeptService } from "./kept-service.ts";
import { exampleResultPath, runExample } from "./run-example.ts";
import { firstStopSignal, stopInOrder } from "./shutdown.ts";

export type SuperviseOptions = {
  /** Absolute. */
  readonly projectDirectory: string;
  /** Runs the example once everything is up. */
  readonly example: boolean;
};

/**
 * Runs API and agent until Ctrl-C: the whole product in one command, on one machine.
 *
 * @returns false when a second Ctrl-C had to kill them
 * @throws {DownbeatError} `data_directory_in_use`, or what kept a part from starting
 */
export async function supervise(context: CliContext, options: SuperviseOptions): Promise<boolean> {
  const lock = await lockHome(context.config.home);
  const stop = new AbortController();
  const stopSignal = firstStopSignal().then(() => stop.abort(new Interrupted()));
  const services: KeptService[] = [];
  try {
    const up = bringUp(context, options, { services, stopped: stop.signal });
    // Ctrl-C need not wait until everything is up. What it breaks off then fails, and says nothing new.
    await Promise.race([up, stopSignal]);
    await stopSignal;
    up.catch(() => undefined);
    return await stopInOrder(context.output, services);
  } catch (error) {
    for (const service of services) await service.stop();
    throw error;
  } finally {
    await lock.release();
  }
}

type Running = { readonly services: KeptService[]; readonly stopped: AbortSignal };

async function bringUp(
  context: CliContext,
  options: SuperviseOptions,
  { services, stopped }: Running,
): Promise<void> {
  const { config, output } = context;
  const apiKey = await devApiKey(config.home, `http://127.0.0.1:${config.port}`);
  output.note(
    `Starting the API on ${config.environment["DATABASE_URL"] ? "PostgreSQL" : "the embedded database"}…`,
  );
  const api = apiService(context, apiKey);
  services.unshift(api);
  const { listening = "" } = await api.start();
  noteMovedPort(context, listening);
  const workspace = await prepareWorkspace(config.home, listening, context.now());
  const flows = await deployProject(context, options.projectDirectory);
  output.note(`Deployed ${flows.join(", ")}.`);
  stopped.throwIfAborted();
  const agent = agentService(context, workspace.profile, options.projectDirectory);
  services.unshift(agent); // stops before the API
  await agent.start();
  output.note("The agent is connected: it dials out and listens nowhere.");
  const run = options.example ? await runExample(context, stopped) : undefined;
  await showPlaces(context, workspace, run?.id);
}

async function showPlaces(
  context: CliContext,
  { profile, keyset }: DevWorkspace,
  runId: string | undefined,
): Promise<void> {
  const { output, config } = context;
  const pageUrl = unlockedPageUrl(
    profile,
    keyset,
    runId === undefined ? "/runs" : `/runs/${runId}`,
  );
  const resultPath = runId === undefined ? undefined : await exampleResultPath(context);
  const command = commandWords(process.argv[1] ?? "downbeat");
  const places = { pageUrl, apiUrl: profile.apiUrl, home: config.home, runId, resultPath, command };
  output.line(`\n${placesWords(output.colors, places)}\n`);
  output.note(`Serving until Ctrl-C. Logs: ${join(config.home, "logs")}`);
}

function noteMovedPort({ config, output }: CliContext, listening: string): void {
  const port = Number(new URL(listening).port);
  const moved = config.port !== 0 && port !== config.port;
  output.note(
    moved
      ? `Port ${config.port} is taken; the API listens on ${listening} instead.`
      : `The API listens on ${listening}.`,
  );
}
