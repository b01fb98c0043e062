import { join } from "node:path";
import { directoryStorage } from "@downbeat/sdk";
import { resultsDirectory } from "../config.ts";

/** Where these flows keep results and cached values; agents on several machines would share a bucket (`s3Storage`). */
export const keptResults = directoryStorage(join(resultsDirectory(), "kept"));
