import { currentFrame } from "../frame.ts";
import { planeInReach } from "./plane-in-reach.ts";
import type { RemotePlane } from "./remote-plane.ts";
import { SendQueue } from "./send-queue.ts";

// How long a process whose own work is done stays for runs that the plane has not taken.
const LAST_CALL_MS = 10_000;

const ofAgents = new WeakMap<RemotePlane, SendQueue>();
let ofProfile: SendQueue | undefined;

/** The queue for what is asked for here: of the run around this code, else of the process. */
export function sendQueue(): SendQueue {
  const remote = currentFrame()?.scope?.host?.remote;
  if (remote === undefined) return (ofProfile ??= queueOfProcess());
  const queue = ofAgents.get(remote) ?? new SendQueue(() => Promise.resolve(remote));
  ofAgents.set(remote, queue);
  return queue;
}

function queueOfProcess(): SendQueue {
  const queue = new SendQueue(planeInReach());
  process.on("beforeExit", () => {
    if (queue.size === 0) return;
    queue.hurry();
    // The process ends by itself when the queue is empty before that.
    setTimeout(() => process.exit(process.exitCode ?? 1), LAST_CALL_MS).unref();
  });
  process.on("exit", () => {
    if (queue.size === 0) return;
    process.stderr.write(
      `downbeat: ${queue.size} background runs were not sent: the process ended before the plane took them\n`,
    );
  });
  return queue;
}
