import { simulate } from "./simulate.ts";

const USAGE = `Usage: pnpm test:simulation [--seeds N] [--from N]

Simulates N seeds (default 1000), each twice, checks every invariant and that both runs are equal.
To replay one: pnpm test:simulation --seeds 1 --from <seed>`;

function main(args: readonly string[]): void {
  const seeds = numberAfter(args, "--seeds", 1000);
  const from = numberAfter(args, "--from", 1);
  if (args.includes("--help") || seeds === undefined || from === undefined) {
    console.log(USAGE);
    process.exitCode = args.includes("--help") ? 0 : 2;
    return;
  }
  const startedAtMs = performance.now();
  let operations = 0;
  let broken = 0;
  for (let seed = from; seed < from + seeds; seed += 1) {
    const first = simulate(seed);
    operations += first.entries.length;
    const faults = first.violations.map(({ invariant, message }) => `${invariant}: ${message}`);
    if (simulate(seed).digest !== first.digest) faults.push("two runs of this seed differ");
    if (faults.length === 0) continue;
    broken += 1;
    console.log(`seed ${seed}`);
    for (const fault of faults) console.log(`  ${fault}`);
    console.log(`  replay: pnpm test:simulation --seeds 1 --from ${seed}`);
  }
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  const range = `${from}–${from + seeds - 1}`;
  console.log(
    `simulation: n=${seeds} seeds (${range}), each twice, ${operations} log entries, ${broken} broken, ${seconds} s`,
  );
  if (broken > 0) process.exitCode = 1;
}

function numberAfter(
  args: readonly string[],
  option: string,
  fallback: number,
): number | undefined {
  const at = args.indexOf(option);
  if (at === -1) return fallback;
  const value = Number(args[at + 1]);
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

main(process.argv.slice(2));
