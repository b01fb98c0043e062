import type { SealContext } from "@downbeat/seal";
import type { SealFailure } from "@downbeat/seal/log";
import type { ReactNode } from "react";
import type { z } from "zod";
import { formatByteSize, sealedByteSize } from "../format/byte-size.ts";
import { useKey } from "../key/key-context.tsx";
import { LockIcon } from "../ui/lock-icon.tsx";
import { useHeld } from "./use-held.ts";
import { useOpened } from "./use-opened.ts";

/** A sealed value: opened when the key is here, else its size and the way to unlock it. Never a blur of anything. */
export function SealedValue<T>(props: {
  /** What the value is, for those who cannot see where it stands: "parameters". */
  label: string;
  blob: string;
  context: SealContext;
  schema: z.ZodType<T>;
  /** For a place of one line: why it does not open is told on hover only. */
  compact?: boolean;
  /** Keeps showing the version before while a newer one is opened. */
  steady?: boolean;
  children: (value: T) => ReactNode;
}) {
  const newest = useOpened(props.blob, props.context, props.schema);
  const held = useHeld(newest);
  const opened = props.steady === true ? held : newest;
  switch (opened.status) {
    case "opened":
      return props.children(opened.value);
    case "opening":
      return <span className="sealed">opening…</span>;
    case "locked":
      return <SealedPlaceholder label={props.label} blob={props.blob} />;
    case "failed":
      return <SealFailureNote {...props} failure={opened.failure} />;
  }
}

function SealedPlaceholder({ label, blob }: { label: string; blob: string }) {
  const { askForKey } = useKey();
  const size = formatByteSize(sealedByteSize(blob));
  return (
    <button
      type="button"
      className="sealed"
      onClick={askForKey}
      title={`The ${label} can be read only with the workspace key. Unlock…`}
    >
      <LockIcon /> sealed · {size}
    </button>
  );
}

function SealFailureNote(props: { label: string; failure: SealFailure; compact?: boolean }) {
  const { label, failure, compact = false } = props;
  return (
    <span className="sealed sealed--failed" title={failure.detail}>
      ⚠ {label} {failure.title}
      {!compact && <span className="sealed__detail">{failure.detail}</span>}
    </span>
  );
}
