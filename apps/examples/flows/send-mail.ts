import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { log, task } from "@downbeat/sdk";
import { resultsDirectory } from "../config.ts";

/**
 * Sends one e-mail; here: writes it into a file. `background` lets a web app ask for it with `sendMail.delay(…)` and lets
 * agents do it, each call by itself, with the retries it is given.
 */
export const sendMail = task(
  { name: "send-mail", background: true, retries: 2, retryDelay: 200 },
  async (address: string, subject: string) => {
    const directory = resultsDirectory();
    await mkdir(directory, { recursive: true });
    await appendFile(join(directory, "outbox.txt"), `${address}: ${subject}\n`);
    log.info("sent", { address });
  },
);
