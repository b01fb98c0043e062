import { mkdir, mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./places.ts";
import { runToEnd } from "./run-to-end.ts";

/** The SDK as it would be published. */
export type SdkPackage = { readonly folder: string; readonly archive: string };

/** Packs the SDK with npm, out of a copy, so that nothing in the workspace changes meanwhile. */
export async function packSdk(): Promise<SdkPackage> {
  const place = await mkdtemp(join(tmpdir(), "downbeat-package-"));
  const [folder, packed] = [join(place, "sdk"), join(place, "packed")];
  await mkdir(packed);
  await runToEnd(process.execPath, [join(ROOT, "packages/sdk/pack.mjs"), "stage", folder]);
  await runToEnd("npm", ["pack", "--silent", "--pack-destination", packed], { cwd: folder });
  const [name] = await readdir(packed);
  return { folder, archive: join(packed, name ?? "") };
}
