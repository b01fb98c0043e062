import type { LogManifestPart } from "@downbeat/contract";
import type { Opener } from "@downbeat/seal";
import { openLogManifest, type OpenedManifest } from "@downbeat/seal/log";
import { useEffect, useState } from "react";
import type { LogSlots } from "./use-log-slots.ts";

type Opened = {
  readonly parts: readonly LogManifestPart[];
  readonly opener: Opener;
  readonly manifests: readonly OpenedManifest[];
};

/** The opened lists of what a log consists of; undefined while locked, or until they are opened. */
export function useOpenedManifests(
  runId: string,
  { manifests: parts, dataKeys }: Pick<LogSlots, "manifests" | "dataKeys">,
  opener: Opener | undefined,
): readonly OpenedManifest[] | undefined {
  const [opened, setOpened] = useState<Opened>();

  // Locked: no plaintext stays behind.
  useEffect(() => () => setOpened(undefined), [opener]);

  useEffect(() => {
    if (opener === undefined) return;
    let wanted = true;
    opener.addDataKeys(dataKeys);
    void Promise.all(parts.map((part) => openLogManifest(opener, runId, part))).then(
      (manifests) => {
        if (wanted) setOpened({ parts, opener, manifests });
      },
    );
    return () => {
      wanted = false;
    };
  }, [runId, parts, dataKeys, opener]);

  const isCurrent = opened?.opener === opener && opened?.parts === parts;
  return isCurrent ? opened?.manifests : undefined;
}
