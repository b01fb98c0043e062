import { setTimeout as delay } from "node:timers/promises";
import { DownbeatError, type ErrorCode, isErrorCode } from "@downbeat/contract";
import type { Output } from "../output.ts";
import { Service, type ServiceEnd, type ServiceSpec } from "./service.ts";

const READY_DEADLINE_MS = 60_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const SETTLED_AFTER_MS = 60_000;

/**
 * A service that is started again when it dies unexpectedly, with growing pauses. Its first start must succeed: what
 * stops that is a mistake to report, not a mishap to ride out.
 */
export class KeptService {
  readonly #specFor: (firstLine: Record<string, string> | undefined) => ServiceSpec;
  readonly #output: Output;
  #service: Service | undefined;
  readonly #stopping = new AbortController();
  #keeping: Promise<void> | undefined;

  /** @param specFor makes the specification; on a restart it is given the ready line of the first start. */
  constructor(
    output: Output,
    specFor: (firstLine: Record<string, string> | undefined) => ServiceSpec,
  ) {
    this.#output = output;
    this.#specFor = specFor;
  }

  /** Starts it and returns its ready line. @throws {DownbeatError} with the service's own code where it gave one. */
  async start(): Promise<Record<string, string>> {
    const spec = this.#specFor(undefined);
    this.#service = new Service(spec);
    const answer = await this.#service.ready(READY_DEADLINE_MS);
    if ("end" in answer) {
      this.#service.kill();
      throw startFailed(spec.name, answer.end);
    }
    this.#keeping = this.#keep(this.#service, answer.line);
    return answer.line;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#service?.stop();
    await this.#keeping;
  }

  kill(): void {
    this.#stopping.abort();
    this.#service?.kill();
  }

  async #keep(first: Service, firstLine: Record<string, string>): Promise<void> {
    let service = first;
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      const startedAtMs = performance.now();
      const end = await service.ended;
      if (this.#stopping.signal.aborted) return;
      if (performance.now() - startedAtMs > SETTLED_AFTER_MS) pauseMs = FIRST_PAUSE_MS;
      const spec = this.#specFor(firstLine);
      this.#output.warn(diedWords(spec.name, end, pauseMs));
      await delay(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (this.#stopping.signal.aborted) return;
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      service = new Service(spec);
      this.#service = service;
      if ("line" in (await service.ready(READY_DEADLINE_MS)))
        this.#output.warn(`The ${spec.name} runs again.`);
      else service.kill();
    }
  }
}

function diedWords(name: string, end: ServiceEnd, pauseMs: number): string {
  return `The ${name} ended unexpectedly (${end.how}); starting it again in ${pauseMs / 1000} s. Its last lines:\n${indent(end.lastLines)}`;
}

/** Services print `code: message` when they cannot start; that code becomes this command's. */
function startFailed(name: string, { how, lastLines }: ServiceEnd): DownbeatError {
  const stated = lastLines
    .split("\n")
    .map((line) => /^([a-z_]+): (.+)$/.exec(line))
    .find((match) => isErrorCode(match?.[1] ?? ""));
  if (stated != null) return new DownbeatError(stated[1] as ErrorCode, { message: stated[2] });
  return new DownbeatError("internal", {
    message: `The ${name} did not start (${how}). Its last lines:\n${indent(lastLines)}`,
  });
}

function indent(text: string): string {
  return text === "" ? "  (none)" : text.replaceAll(/^/gm, "  | ");
}
