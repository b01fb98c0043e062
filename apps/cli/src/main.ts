#!/usr/bin/env node
import { readVersion } from "./version.ts";

const args = process.argv.slice(2);
// Scripts ask for the version often, and it needs none of the rest.
if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) {
  console.log(readVersion());
} else {
  const { runProgram } = await import("./run-program.ts");
  process.exitCode = await runProgram(args, readVersion());
}
