import { serve } from "@downbeat/sdk";
import { seattleWeather } from "./flows/seattle-weather.ts";
import { sendMail } from "./flows/send-mail.ts";

// Registers both and executes their runs here: no agent, no `downbeat deploy`. Ctrl-C lets running flows finish.
const serving = await serve(seattleWeather, sendMail, { concurrency: 4 });
process.stdout.write("serving\n");
await serving.stopped;
