import type { Command } from "commander";
import { readConfig, type CliConfig } from "./config.ts";
import type { Connection } from "./connection.ts";
import { Output } from "./output.ts";
import type { Unlocked } from "./unlock.ts";

export type GlobalOptions = { json?: boolean; quiet?: boolean; input?: boolean };

/**
 * What a command works with. Client and sealing code load on first use, so that help and version stay fast.
 */
export class CliContext {
  readonly config: CliConfig;
  readonly output: Output;
  /** False when nobody can answer a question: --no-input, CI, or stdin is not a terminal. */
  readonly interactive: boolean;
  #connection: Promise<Connection> | undefined;
  #unlocked: Promise<Unlocked> | undefined;

  constructor(options: GlobalOptions) {
    this.config = readConfig();
    this.output = outputOf(options, this.config.noColor);
    this.interactive =
      options.input !== false && !this.config.unattended && process.stdin.isTTY === true;
  }

  now(): Date {
    return new Date();
  }

  connect(): Promise<Connection> {
    this.#connection ??= import("./connection.ts").then(({ connect }) => connect(this.config));
    return this.#connection;
  }

  /** @throws {DownbeatError} `key_missing` */
  unlock(): Promise<Unlocked> {
    this.#unlocked ??= Promise.all([this.connect(), import("./unlock.ts")]).then(
      ([connection, { unlock }]) => unlock(connection),
    );
    return this.#unlocked;
  }

  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined); // its error was reported where it was awaited
    await connection?.client.close();
  }
}

export function outputOf(options: GlobalOptions, noColor: boolean): Output {
  return new Output({
    json: options.json === true,
    quiet: options.quiet === true,
    noColor,
    stdout: process.stdout,
    stderr: process.stderr,
  });
}

/** Turns a handler into a commander action: builds the context, hands over arguments and options, closes. */
export function action<O extends object, A extends readonly unknown[]>(
  handler: (context: CliContext, options: O, ...args: A) => Promise<void>,
): (...received: unknown[]) => Promise<void> {
  return async (...received) => {
    const command = received.at(-1) as Command;
    const options = command.optsWithGlobals<O & GlobalOptions>();
    const context = new CliContext(options);
    try {
      await handler(context, options, ...(command.processedArgs as unknown as A));
    } finally {
      await context.close();
    }
  };
}
