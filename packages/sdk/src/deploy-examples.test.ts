import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { deploy } from "./index.ts";
import { weather } from "./weather-flow.fixture.ts";

beforeAll(() => void vi.stubEnv("DOWNBEAT_PROFILE_FILE", "/nowhere/profile.json"));
afterAll(() => vi.unstubAllEnvs());

// #region deploy
export async function release(regions: readonly string[]) {
  const module = new URL("./flows/weather.ts", import.meta.url);
  for (const region of regions)
    await deploy(weather, { module, name: region, pool: region, parameters: { year: 2014 } });
}
// #endregion

test("deploy: without a profile it says what is missing; what cannot be deployed is named", async () => {
  await expect(release(["eu"])).rejects.toThrow("No profile is set.");
  const module = import.meta.url;
  await expect(deploy((() => 1) as never, { module })).rejects.toThrow("neither a flow nor a");
  await expect(deploy(weather, { module, name: "a/b" })).rejects.toThrow('"a/b" names no flow');
  const parameters = { year: () => 1 };
  await expect(deploy(weather, { module, parameters })).rejects.toThrow(
    "parameters.year is of type function",
  );
});
