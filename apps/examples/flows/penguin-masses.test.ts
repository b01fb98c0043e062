import { testFlow } from "@downbeat/sdk/testing";
import { expect, it } from "vitest";
import { penguinMasses } from "./penguin-masses.ts";

it("shows what it found: a sentence, a table, a link, an image, bars and a number", async () => {
  const run = await testFlow(() => penguinMasses());
  expect(run.state.name).toBe("Completed");
  expect(run.metrics).toEqual({ penguins: 344 });
  expect(run.artifacts.map(({ key }) => key)).toEqual([
    "progress of weigh-species #0",
    "progress of weigh-species #1",
    "progress of weigh-species #2",
    "summary",
    "by-species",
    "source",
    "browser",
  ]);
  const contents = Object.fromEntries(run.artifacts.map(({ key, content }) => [key, content]));
  expect(contents["summary"]).toMatchObject({ text: "The **Gentoo** is heaviest: 5076 g." });
  expect(contents["by-species"]).toMatchObject({
    columns: ["species", "penguins", "islands", "meanGrams"],
    rows: [
      ["Adelie", 152, "Biscoe, Dream, Torgersen", 3_701],
      ["Chinstrap", 68, "Dream", 3_733],
      ["Gentoo", 124, "Biscoe", 5_076],
    ],
  });
  expect(contents["progress of weigh-species #2"]).toMatchObject({ done: 124, label: "Gentoo" });
  expect(contents["browser"]).toMatchObject({ mediaType: "image/png", alt: "a browser's icon" });
});
