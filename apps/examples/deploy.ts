import { deploy } from "@downbeat/sdk";
import { seattleWeather } from "./flows/seattle-weather.ts";

// A deployment for each year, made by a program; agents in this directory run them.
const module = new URL("./flows/seattle-weather.ts", import.meta.url);
for (const year of [2012, 2013]) {
  const { flow, deployment, contentHash } = await deploy(seattleWeather, {
    module,
    project: import.meta.dirname,
    name: `year-${year}`,
    tags: ["weather"],
    parameters: { year },
    retry: { retriesOnFailure: 1 },
  });
  process.stdout.write(`${flow}/${deployment} ${contentHash}\n`);
}
