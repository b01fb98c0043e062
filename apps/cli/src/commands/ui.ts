import { Command } from "commander";
import { DownbeatError } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { interruptSignal } from "../interrupt.ts";

type Options = { port: string; unlocked?: boolean };

const DEFAULT_PORT = "4202";

export function uiCommand(): Command {
  return new Command("ui")
    .description("serve the page from this machine, for those who do not run hosted JavaScript")
    .option("--port <number>", "port on 127.0.0.1; 0 takes a free one", DEFAULT_PORT)
    .option("--unlocked", "print a link that carries the workspace key as well")
    .action(action(serveUi))
    .addHelpText(
      "after",
      `
The page is the one of this installation; only its calls go to the API of the profile. It is served on the loopback address
alone. The printed link carries the profile's API key behind #, which browsers send to no server. Ctrl-C ends it.

With --json: { url }.`,
    );
}

async function serveUi(context: CliContext, { port, unlocked = false }: Options): Promise<void> {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new DownbeatError("usage_invalid", { message: `--port ${port} is not a port.` });
  const { profile } = await context.connect();
  const { createUndiciTransport } = await import("@downbeat/client");
  const { dashboardDirectory } = await import("../service-binary.ts");
  const { readPageFiles } = await import("../ui/page-files.ts");
  const { PageServer } = await import("../ui/page-server.ts");
  const { pageUrl, unlockedPageUrl } = await import("../ui/page-url.ts");
  const keyset = unlocked ? (await context.unlock()).keyset : undefined;
  const files = await readPageFiles(dashboardDirectory());
  const stopped = interruptSignal();
  const connection = createUndiciTransport(profile.apiUrl);
  const { transport } = connection;
  const server = await PageServer.start({ files, port: Number(port), transport });
  try {
    const place = { apiUrl: server.url, apiKey: profile.apiKey };
    const url =
      keyset === undefined ? pageUrl(place, "/runs") : unlockedPageUrl(place, keyset, "/runs");
    context.output.result({ url }, () => url);
    context.output.note(`Calls go to ${profile.apiUrl}. Serving until Ctrl-C.`);
    await new Promise((resolve) => stopped.addEventListener("abort", resolve));
  } finally {
    await server.close();
    await connection.close();
  }
}
