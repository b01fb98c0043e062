import { generateKeyPairSync, randomUUID } from "node:crypto";
import { PublicJwk, refuseUnsealed, type ClearParameters } from "@downbeat/contract";
import { calculateJwkThumbprint } from "jose";
import { expect, test } from "vitest";
import { sealToWorkspace } from "./seal-to-workspace.ts";

const PLACE = { dep: "weather/default" };
const PARAMETERS = { city: "Oslo" } as unknown as ClearParameters;

function aPublicJwk(): PublicJwk {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return PublicJwk.parse(publicKey.export({ format: "jwk" }));
}

test("makes what every sealed field takes, another one each time", async () => {
  const publicJwk = aPublicJwk();
  const key = { keyId: await calculateJwkThumbprint(publicJwk), publicJwk };
  const seal = () => sealToWorkspace({ id: randomUUID(), key }, PLACE, PARAMETERS);
  const [first, second] = [await seal(), await seal()];
  expect(refuseUnsealed(first, "parameters")).toBeUndefined();
  expect(first).not.toBe(second);
});

test("seals to no key that is kept under the id of another", async () => {
  const key = { keyId: await calculateJwkThumbprint(aPublicJwk()), publicJwk: aPublicJwk() };
  await expect(sealToWorkspace({ id: randomUUID(), key }, PLACE, PARAMETERS)).rejects.toMatchObject(
    {
      code: "workspace_key_unusable",
      message: expect.stringContaining(key.keyId),
    },
  );
});
