import type { Keyring } from "@downbeat/seal";

/** A keyring at rest in the browser. Its keys are not extractable: whoever reads the store can use, but not copy them. */
export type StoredKeyring = { readonly keyring: Keyring; readonly lastActiveAtMs: number };

export type KeyringStore = {
  read(workspaceId: string): Promise<StoredKeyring | undefined>;
  write(stored: StoredKeyring): Promise<void>;
  clear(workspaceId: string): Promise<void>;
};

const DATABASE = "downbeat";
const TABLE = "keyrings";

/** Keyrings in IndexedDB, one per workspace; the only storage that takes keys without exporting them. */
export function createKeyringStore(): KeyringStore {
  return {
    async read(workspaceId) {
      const stored = await inTransaction("readonly", (table) => table.get(workspaceId));
      return stored as StoredKeyring | undefined;
    },
    async write(stored) {
      await inTransaction("readwrite", (table) => table.put(stored, stored.keyring.workspaceId));
    },
    async clear(workspaceId) {
      await inTransaction("readwrite", (table) => table.delete(workspaceId));
    },
  };
}

async function inTransaction<T>(
  mode: IDBTransactionMode,
  act: (table: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const database = await openDatabase();
  try {
    return await settled(act(database.transaction(TABLE, mode).objectStore(TABLE)));
  } finally {
    database.close();
  }
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(TABLE));
  return settled(request);
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () =>
      reject(request.error ?? new Error("IndexedDB failed.")),
    );
  });
}
