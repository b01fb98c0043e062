import { parseArgs } from "node:util";
import { flushSpans } from "../run-span.ts";
import { FlowWorker } from "./flow-worker.ts";
import type { AgentChannel } from "./flow-worker.ts";
import { FlowLoader } from "./load-flow.ts";
import type { ToWorker } from "./messages.ts";

export type * from "./messages.ts";

// Longest a run may go on once its agent is gone: nobody could report it, and the plane will give it to another.
const ORPHAN_GRACE_MS = 2_000;

const { values } = parseArgs({
  options: { "ts-loader": { type: "string", multiple: true } },
  strict: true,
});
if (process.send === undefined) {
  process.stderr.write(
    "This is the process in which a Downbeat agent runs flows; `downbeat agent start` starts it.\n",
  );
  process.exit(2);
}

// A pipe that is full would otherwise be written to in the background: the agent would read the rest after the run's end, and
// a process that exits would take it along.
for (const stream of [process.stdout, process.stderr]) writeAtOnce(stream);

const channel: AgentChannel = {
  send: (message) => void sendToAgent(message),
  deliver: (message) => sendToAgent(message),
  printedBytes: () => printed(process.stdout) + printed(process.stderr),
  keepAlive: (on) => (on ? process.channel?.ref() : process.channel?.unref()),
};
const worker = new FlowWorker(channel, new FlowLoader(values["ts-loader"] ?? []));

process.on("message", (message: ToWorker) => {
  if (message.type !== "stop") return worker.receive(message);
  void worker
    .idle()
    .then(exportSpans)
    .then(() => process.exit(0));
});
process.on("disconnect", () => {
  worker.abort();
  void worker.idle().then(() => process.exit(1));
  setTimeout(() => process.exit(1), ORPHAN_GRACE_MS).unref();
});

process.on("beforeExit", () => worker.nothingLeftToDo());
process.on("exit", () => worker.flush());
process.on("unhandledRejection", (error) => {
  process.stderr.write(`unhandled rejection: ${describe(error)}\n`);
  worker.interrupt(error, { abandoned: true });
});
process.on("uncaughtException", (error) => {
  process.stderr.write(`uncaught exception: ${describe(error)}\n`);
  worker.interrupt(error, { abandoned: true });
  // The state of the process is unknown now. One turn lets the report of the run go out before it ends.
  setImmediate(() => process.exit(1));
});
// Ctrl-C reaches the whole foreground group; what it means for a running flow is the agent's to decide.
process.on("SIGINT", () => {});

void sendToAgent({ type: "ready", pid: process.pid });

async function exportSpans(): Promise<void> {
  await flushSpans().catch((error: unknown) => {
    process.stderr.write(`OpenTelemetry spans were not exported: ${describe(error)}\n`);
  });
}

function sendToAgent(message: Parameters<AgentChannel["send"]>[0]): Promise<boolean> {
  return new Promise((resolve) => {
    if (!process.connected) return resolve(false); // the agent is gone; "disconnect" has ended the run
    process.send?.(message, undefined, undefined, (error) => {
      if (error !== null) process.stderr.write(`the agent cannot be reached: ${error.message}\n`);
      resolve(error === null);
    });
  });
}

// Node has no public way to ask for it.
function writeAtOnce(stream: NodeJS.WriteStream): void {
  const { _handle: handle } = stream as { _handle?: { setBlocking?: (on: boolean) => void } };
  handle?.setBlocking?.(true);
}

// A pipe under an agent.
function printed(stream: NodeJS.WriteStream): number {
  return stream.bytesWritten;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
