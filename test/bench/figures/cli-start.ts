import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CLI_MAIN } from "../../e2e/mains.ts";
import { latencyFigure, quantile, type Figure } from "../figure.ts";

const SAMPLES = 40;
const WARM_UP = 3;
const run = promisify(execFile);

/** `downbeat --version`, from starting the process to its end; beside it Node with nothing to do. */
export async function cliStart(): Promise<Figure> {
  const samplesMs: number[] = [];
  const bareMs: number[] = [];
  for (let i = 0; i < SAMPLES + WARM_UP; i++) {
    bareMs.push(await timed(["--eval", "0"]));
    samplesMs.push(await timed([CLI_MAIN, "--version"]));
  }
  const sortedBare = bareMs.slice(WARM_UP).toSorted((a, b) => a - b);
  return latencyFigure("cli_start", 0.5, samplesMs.slice(WARM_UP), quantile(sortedBare, 0.5));
}

async function timed(args: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  await run(process.execPath, [...args]);
  return performance.now() - startedAt;
}
