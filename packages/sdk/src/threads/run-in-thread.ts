import { fileURLToPath } from "node:url";
import { MessageChannel } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { blankFrame, currentFrame } from "../frame.ts";
import type { Frame } from "../frame.ts";
import { deliverShown } from "../artifacts/show.ts";
import { deliverLog } from "../log.ts";
import type { RunHost } from "../run-host.ts";
import { callInPool } from "./thread-pool.ts";
import { activeTraceparent } from "../run-span.ts";
import { threadCall } from "./thread-call.ts";
import type { ThreadMessage, ThreadReply } from "./thread-call.ts";
import { fromThreadError } from "./thread-error.ts";
import { SlotDesk } from "./thread-slots.ts";
import type { ThreadRunner } from "./thread-runner.ts";

/** The function of a task that runs in threads, as its attempts call it. Rejects with what it throws there. */
export function inThread(runner: ThreadRunner): (...args: unknown[]) => Promise<unknown> {
  return async (...args) => {
    const frame = currentFrame() ?? blankFrame;
    const { port1, port2 } = new MessageChannel();
    const slots = new SlotDesk(frame.scope?.host, port1);
    const allHeard = hear(port1, slots, frame);
    const call = threadCall({ ...identityOf(frame), args, port: port2 });
    try {
      const reply = await callInPool(call, {
        filename: fileURLToPath(runner.module),
        name: runner.exportName,
        transferList: [port2],
        ...(frame.signal !== undefined && { signal: frame.signal }),
      });
      await allHeard;
      return resultOf(reply as ThreadReply);
    } catch (error) {
      throw frame.signal?.aborted ? frame.signal.reason : error;
    } finally {
      slots.close();
      port1.close();
    }
  };
}

function identityOf({ scope, task, flowAttempt }: Frame) {
  return {
    run: scope?.run,
    limitedTags: limitedTagsOf(scope?.host),
    capturesConsole: scope?.capturesConsole,
    traceparent: activeTraceparent(),
    flowAttempt,
    taskRunId: task?.run.taskRunId ?? "",
    index: task?.run.index ?? 0,
    attempt: task?.attempt ?? 1,
  };
}

function limitedTagsOf(host: RunHost | undefined): readonly string[] | undefined {
  return host?.acquireSlots && (host.limitedTags ?? []);
}

/** Passes on what the thread says; resolves after the last of it. */
function hear(port: MessagePort, slots: SlotDesk, frame: Frame): Promise<void> {
  const { scope } = frame;
  return new Promise((resolve) => {
    port.on("message", (message: ThreadMessage) => {
      if (message === null) resolve();
      else if (message.kind === "log") deliverLog(message, scope);
      else if (message.kind === "take_slots" || message.kind === "give_slots") slots.heed(message);
      else if (message.kind === "artifact" || message.kind === "metric")
        deliverShown(message, frame);
      else scope?.host?.event(message);
    });
  });
}

function resultOf(reply: ThreadReply): unknown {
  if (reply.ok) return reply.result;
  throw fromThreadError(reply.error);
}
