import { execFile } from "node:child_process";
import { promisify } from "node:util";

const FIVE_MINUTES_MS = 300_000;

/**
 * Runs a program to its end.
 *
 * @throws with its output when it fails
 */
export async function runToEnd(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<string> {
  try {
    const env = { ...process.env, DOWNBEAT_RECORD: "off", NO_UPDATE_NOTIFIER: "1" };
    const limits = { timeout: FIVE_MINUTES_MS, maxBuffer: 64 * 1024 * 1024 };
    return (await promisify(execFile)(program, args, { ...options, ...limits, env })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(" ")} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
