import { artifact, flow, metric, progress, task } from "@downbeat/sdk";
import { readDataBytes, readDataFile } from "../src/data-files.ts";
import { groupBy } from "../src/group-by.ts";

type Penguin = { Species: string; Island: string; "Body Mass (g)": number | null };
type SpeciesMass = { species: string; penguins: number; islands: string; meanGrams: number };

const readPenguins = task(
  { name: "read-penguins" },
  async () => JSON.parse(await readDataFile("penguins.json")) as Penguin[],
);

const weighSpecies = task(
  { name: "weigh-species" },
  (species: string, penguins: readonly Penguin[]): SpeciesMass => {
    let grams = 0;
    for (const [at, { "Body Mass (g)": mass }] of penguins.entries()) {
      grams += mass ?? 0;
      progress(at + 1, penguins.length, species);
    }
    const weighed = penguins.filter((penguin) => penguin["Body Mass (g)"] !== null).length;
    return {
      species,
      penguins: penguins.length,
      islands: [...new Set(penguins.map(({ Island }) => Island))].toSorted().join(", "),
      meanGrams: Math.round(grams / weighed),
    };
  },
);

/** Artifacts: what the people who wait for the numbers find on the run's page, opened in their browser. */
export const penguinMasses = flow({ name: "penguin-masses" }, async () => {
  const penguins = await readPenguins();
  const masses = await Promise.all(
    [...groupBy(penguins, ({ Species }) => Species)].map(([species, of]) =>
      weighSpecies(species, of),
    ),
  );
  const heaviest = masses.reduce((one, other) => (other.meanGrams > one.meanGrams ? other : one));
  artifact.markdown("summary", `The **${heaviest.species}** is heaviest: ${heaviest.meanGrams} g.`);
  artifact.table("by-species", masses, { title: "Mass by species" });
  artifact.link("source", "https://github.com/vega/vega-datasets", { text: "vega-datasets" });
  artifact.image("browser", await readDataBytes("ffox.png"), { alt: "a browser's icon" });
  metric("penguins", penguins.length);
  return masses;
});
