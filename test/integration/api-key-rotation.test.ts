import { randomUUID } from "node:crypto";
import {
  announceRotation,
  createKeyset,
  followRotations,
  makeCurrent,
  prepareRotation,
  publicKeyOf,
  successorOf,
  type RotationNotice,
  type WorkspaceKeyset,
} from "@downbeat/seal";
import { describeEachDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestApi, type TestApi } from "./api-harness.ts";

type Step = { readonly notice: RotationNotice; readonly keyset: WorkspaceKeyset };

describeEachDatabase("rotating the workspace key", ({ database }) => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi(database());
  });
  afterAll(() => api.app.close());

  it("moves the key along, keeps every signed step, and answers a repetition alike", async () => {
    const { admin, keyset } = await aKeyedWorkspace();
    const first = await stepFrom(keyset);
    const second = await stepFrom(first.keyset);
    for (const { notice, keyset: after } of [first, first, second]) {
      const workspace = await admin.call("rotateWorkspaceKey", { body: notice });
      expect(workspace.key?.keyId).toBe(after.keyId);
    }
    const { items } = await admin.call("listKeyRotations", {});
    expect(items).toHaveLength(2);
    expect(await followRotations(publicKeyOf(keyset), items)).toEqual(publicKeyOf(second.keyset));
  });

  it("lets one of two rotations from the same key through, and no key come back", async () => {
    const { admin, keyset } = await aKeyedWorkspace();
    const rivals = await Promise.all([stepFrom(keyset), stepFrom(keyset)]);
    const answers = await Promise.allSettled(
      rivals.map(({ notice }) => admin.call("rotateWorkspaceKey", { body: notice })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    const refused = answers.find((answer) => answer.status === "rejected");
    expect(refused?.reason).toMatchObject({ code: "workspace_key_mismatch" });
    const won = rivals[answers.findIndex(({ status }) => status === "fulfilled")] ?? rivals[0];
    const { keyId, publicJwk } = publicKeyOf(keyset);
    const back = { ...won.notice, fromKeyId: won.keyset.keyId, key: { keyId, publicJwk } };
    await expect(admin.call("rotateWorkspaceKey", { body: back })).rejects.toMatchObject({
      code: "conflict",
    });
  });

  it("refuses an id that is not the new key's, and shows other workspaces nothing", async () => {
    const [here, there] = await Promise.all([aKeyedWorkspace(), aKeyedWorkspace()]);
    const { notice } = await stepFrom(here.keyset);
    const misnamed = { ...notice, key: { ...notice.key, keyId: "A".repeat(43) } };
    await expect(here.admin.call("rotateWorkspaceKey", { body: misnamed })).rejects.toMatchObject({
      code: "validation_failed",
      issues: [{ path: "key.keyId" }],
    });
    await here.admin.call("rotateWorkspaceKey", { body: notice });
    expect((await there.admin.call("listKeyRotations", {})).items).toEqual([]);
  });

  it("lists data keys by page and replaces the wraps of those it has, in this workspace alone", async () => {
    const [here, there] = await Promise.all([aKeyedWorkspace(), aKeyedWorkspace()]);
    const stored = Array.from({ length: 5 }, () => aWrap(randomUUID(), "before"));
    await here.admin.call("createDataKeys", { body: { dataKeys: stored } });
    const ids: string[] = [];
    for (let after: string | null | undefined; after !== null;) {
      const query = { limit: 2, ...(after !== undefined && { after }) };
      const page = await here.admin.call("listDataKeys", { query });
      ids.push(...page.items.map(({ id }) => id));
      after = page.nextAfter;
    }
    expect(ids).toEqual(stored.map(({ id }) => id).toSorted());
    const renewed = [...stored.map(({ id }) => aWrap(id, "after")), aWrap(randomUUID(), "after")];
    const body = { dataKeys: renewed };
    expect(await there.admin.call("rewrapDataKeys", { body })).toEqual({ rewrapped: 0 });
    expect(await here.admin.call("rewrapDataKeys", { body })).toEqual({ rewrapped: 5 });
    const { items } = await here.admin.call("listDataKeys", { query: {} });
    expect(items.every(({ wrap }) => wrap.includes("after"))).toBe(true);
  });

  async function aKeyedWorkspace() {
    const { workspaceId, admin } = await api.workspace(`rotation-${randomUUID()}`);
    const keyset = await createKeyset({ workspaceId, now: new Date() });
    const { keyId, publicJwk } = publicKeyOf(keyset);
    await admin.call("setWorkspaceKey", { body: { keyId, publicJwk } });
    return { admin, keyset };
  }
});

async function stepFrom(keyset: WorkspaceKeyset): Promise<Step> {
  const prepared = await prepareRotation(keyset, { now: new Date() });
  const next = successorOf(prepared);
  if (next === undefined) throw new Error("nothing was prepared");
  const notice = await announceRotation(prepared, next);
  return { notice, keyset: makeCurrent(prepared, next.keyId) };
}

function aWrap(id: string, text: string) {
  return { id, wrap: JSON.stringify({ text }), wrapTag: null };
}
