import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Consumer } from "./consumer.ts";
import { runToEnd } from "./run-to-end.ts";
import { packSdk } from "./sdk-package.ts";

// The oldest that is supported, and the newest of each line; the npm package `node` brings them.
const NODES = ["20.19.0", "20", "22", "24"];

/** Installs the packed SDK with npm into an empty project and runs its quick start there, on every supported Node. */
async function main(): Promise<void> {
  const { archive } = await packSdk();
  const consumer = await Consumer.install(archive);
  await consumer.compileQuickStart();
  await consumer.runTest("node:test", process.execPath);
  await consumer.runTest("jest", process.execPath);
  process.stdout.write("test kit under node:test and jest: ok\n");
  for (const version of NODES) {
    const folder = await mkdtemp(join(tmpdir(), "downbeat-node-"));
    const flags = ["--no-audit", "--no-fund", "--prefer-offline", "--prefix", folder];
    await runToEnd("npm", ["install", ...flags, `node@${version}`]);
    const node = join(folder, "node_modules/node/bin/node");
    const installed = (await runToEnd(node, ["--version"])).trim();
    const [asModule, asCommonJs] = await consumer.run(node);
    const isRight = [asModule, asCommonJs].every((printed) => printed === "days 2\n");
    process.stdout.write(
      `${installed}: ${isRight ? "ok" : `printed ${asModule}, ${asCommonJs}`}\n`,
    );
    if (!isRight) process.exitCode = 1;
    await rm(folder, { recursive: true, force: true });
  }
  await consumer.remove();
}

await main();
