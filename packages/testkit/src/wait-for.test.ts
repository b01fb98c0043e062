import { expect, it } from "vitest";
import { waitFor } from "./wait-for.ts";

it("returns the first truthy answer", async () => {
  let asked = 0;
  const answer = await waitFor(() => (asked += 1) === 3 && "ready", { intervalMs: 1 });
  expect(answer).toBe("ready");
  expect(asked).toBe(3);
});

it("names what it waited for and the last answer", async () => {
  const wait = waitFor(() => 0, { deadlineMs: 5, intervalMs: 1, describe: "the run to start" });
  await expect(wait).rejects.toThrow("Waited 5 ms for the run to start; the last answer was 0.");
});

it("keeps asking through errors and hands the last one on as the cause", async () => {
  const refused = new Error("connection refused");
  const wait = waitFor(() => Promise.reject(refused), { deadlineMs: 5, intervalMs: 1 });
  await expect(wait).rejects.toMatchObject({ cause: refused });
});
