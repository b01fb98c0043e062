import { flow, log } from "@downbeat/sdk";
import { z } from "zod";

/** Takes a parameter and writes ten log lines about it. */
export const chatty = flow(
  { name: "chatty", parameters: z.object({ text: z.string() }) },
  async ({ text }) => {
    for (let line = 0; line < 10; line++) log.info("a line of a log", { line, size: text.length });
  },
);
