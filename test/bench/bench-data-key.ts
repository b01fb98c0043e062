import type { Client } from "@downbeat/client";
import { createDataKey, type DataKey } from "@downbeat/seal";

/** A data key of a caller, wrapped to the workspace's key, which the plane then knows. */
export async function benchDataKey(client: Client): Promise<DataKey> {
  const { workspace } = await client.call("whoAmI", {});
  if (workspace.key === null) throw new Error("The workspace has no key.");
  const recipient = { ...workspace.key, workspaceId: workspace.id };
  const dataKey = await createDataKey({ recipients: [recipient] });
  await client.call("createDataKeys", { body: { dataKeys: [dataKey.wrapped] } });
  return dataKey;
}
