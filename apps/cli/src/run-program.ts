import { CommanderError } from "commander";
import { DownbeatError } from "@downbeat/contract";
import { wantsNoColor } from "./config.ts";
import { outputOf } from "./context.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { isInterruption } from "./interrupt.ts";
import { buildProgram } from "./program.ts";
import { asDownbeatError, reportError } from "./report-error.ts";

/** Runs one command line; returns the exit code. Every error is reported here and nowhere else. */
export async function runProgram(args: readonly string[], version: string): Promise<number> {
  const program = buildProgram(version);
  dieQuietlyOnClosedPipe();
  try {
    await program.parseAsync([...args], { from: "user" });
    return Number(process.exitCode ?? EXIT.ok.code);
  } catch (error) {
    if (isInterruption(error)) return EXIT.interrupted.code;
    if (isAnswer(error)) return EXIT.ok.code;
    const known = error instanceof CommanderError ? usageError(error) : asDownbeatError(error);
    // Options may not have been parsed when it failed, so the flag is looked for as it stands.
    reportError(outputOf({ json: args.includes("--json") }, wantsNoColor()), known);
    return exitCodeOf(known.code);
  }
}

/** Help and version end parsing like errors do, but they are what was asked for. */
function isAnswer(error: unknown): boolean {
  return (
    error instanceof CommanderError && (error.exitCode === 0 || error.code === "commander.help")
  );
}

function usageError({ message }: CommanderError): DownbeatError {
  const [first = "", ...hints] = message.replace(/^error: /, "").split("\n");
  return new DownbeatError("usage_invalid", {
    message: [`${first}.`.replace("..", "."), ...hints].join(" "),
  });
}

/** `downbeat runs ls | head -1` closes stdout early; that is no error. */
function dieQuietlyOnClosedPipe(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE")
      process.stderr.write(`stdout cannot be written: ${error.message}\n`);
    process.exit(error.code === "EPIPE" ? EXIT.ok.code : EXIT.failed.code);
  });
}
