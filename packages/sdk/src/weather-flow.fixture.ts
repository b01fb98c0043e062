import { z } from "zod";
import { flow } from "./index.ts";

/** A flow in a module of its own, as programs that deploy have them. */
export const weather = flow(
  { name: "weather-report", parameters: z.object({ year: z.number().int() }) },
  async ({ year }) => year,
);
