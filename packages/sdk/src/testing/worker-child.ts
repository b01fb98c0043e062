import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { RunEvent } from "../run-host.ts";
import type { FinishedMessage, FromWorker, RunOutcome, ToWorker } from "../worker/messages.ts";

type Exit = { readonly code: number | null; readonly signal: string | null };

/** A worker process as its agent sees it; keeps every message. */
export class WorkerChild {
  readonly child: ChildProcess;
  readonly received: FromWorker[] = [];
  readonly #output: string[] = [];
  readonly #ended: Promise<Exit>;

  constructor(path: string, args: readonly string[]) {
    this.child = fork(path, args, { serialization: "advanced", silent: true, execArgv: [] });
    this.child.on("message", (message) => this.received.push(message as FromWorker));
    this.child.stdout?.on("data", (chunk) => this.#output.push(String(chunk)));
    // Not "exit": messages may still be on their way then.
    this.#ended = new Promise((resolve) => {
      this.child.on("close", (code, signal) => resolve({ code, signal }));
    });
  }

  send(message: ToWorker): void {
    this.child.send(message);
  }

  get stdout(): string {
    return this.#output.join("");
  }

  exit(): Promise<Exit> {
    return this.#ended;
  }

  expectType(type: FromWorker["type"]): Promise<FromWorker> {
    return this.#find((message): message is FromWorker => message.type === type);
  }

  async finished(runId: string): Promise<RunOutcome> {
    const message = await this.#find(
      (it): it is FinishedMessage => it.type === "finished" && it.runId === runId,
    );
    return message.outcome;
  }

  events(runId: string): RunEvent[] {
    return this.received.flatMap((message) =>
      message.type === "events" && message.runId === runId ? message.events : [],
    );
  }

  #find<T extends FromWorker>(fits: (message: FromWorker) => message is T): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.received.find(fits);
        if (found !== undefined) resolve(found);
      };
      this.child.on("message", look);
      const sent = () => JSON.stringify(this.received);
      void this.#ended.then(() => reject(new Error(`the worker ended; it had sent ${sent()}`)));
      look();
    });
  }
}
