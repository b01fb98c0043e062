import { LARGEST_CONTENT_BYTES, LONGEST_ARTIFACT_KEY } from "@downbeat/contract/artifact-limits";
import { DownbeatError } from "@downbeat/contract/errors";
import type { ArtifactContent } from "@downbeat/contract";
import { currentFrame } from "../frame.ts";
import type { Frame } from "../frame.ts";
import type { ShownEvent } from "../run-host.ts";
import { redactArtifact } from "./redact-artifact.ts";

const LONGEST_TEXT = 500;

type Given = {
  /** The call as it stands in code, for messages: `artifact.table`. */
  readonly call: string;
  readonly key: string;
  readonly title?: string | undefined;
  readonly content: ArtifactContent;
};

/**
 * Shows an artifact in the run around this code; outside a run it is only checked.
 *
 * @throws DownbeatError `artifact_invalid`, `artifact_too_large`
 */
export function showArtifact({ call, key, title, content }: Given): void {
  checkKey(call, key);
  checkSize(`${call}(${shownValue(key)})`, content);
  const frame = currentFrame();
  if (frame?.scope?.host === undefined) return;
  const { task, timers } = frame;
  const at = new Date(timers.now()).toISOString();
  deliverShown(
    {
      kind: "artifact",
      at,
      key,
      ...(title !== undefined && { title: shortText(title) }),
      ...(task !== undefined && { taskRunId: task.run.taskRunId }),
      content,
    },
    frame,
  );
}

/** Hands on what code of a run shows, or a thread of it, which may not know what is secret here. */
export function deliverShown(event: ShownEvent, { scope, timers }: Frame): void {
  scope?.show(event.kind === "artifact" ? redactArtifact(event) : event, timers.now());
}

export function invalidArtifact(message: string): DownbeatError {
  return new DownbeatError("artifact_invalid", { message });
}

/** How a value looks in a message. */
export function shownValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(shortText(value));
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return `an object of the class ${value.constructor?.name ?? "null"}`;
}

/** A text for a line of its own, of bounded length. */
export function shortText(text: string): string {
  const given = String(text);
  return given.length <= LONGEST_TEXT ? given : `${given.slice(0, LONGEST_TEXT)}…`;
}

function checkKey(call: string, key: unknown): void {
  if (typeof key === "string" && key !== "" && key.length <= LONGEST_ARTIFACT_KEY) return;
  throw invalidArtifact(
    `${call}() was given the key ${shownValue(key)}; it takes a text of 1 to ${LONGEST_ARTIFACT_KEY} characters`,
  );
}

function checkSize(call: string, content: ArtifactContent): void {
  // A bar has little to it, and may be called in a tight loop. An image was measured as it is.
  if (content.type === "progress" || content.type === "image") return;
  const bytes = Buffer.byteLength(JSON.stringify(content));
  if (bytes <= LARGEST_CONTENT_BYTES) return;
  throw new DownbeatError("artifact_too_large", {
    message: `${call} takes ${bytes} bytes as JSON; ${LARGEST_CONTENT_BYTES} are allowed`,
  });
}
