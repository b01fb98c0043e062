import { countWords } from "../format/count.ts";
import { formatAbsolute } from "../format/instant.ts";
import { cleanLogText } from "../format/one-line.ts";
import { CodeBlock } from "../ui/code-block.tsx";
import type { LogRow } from "./log-rows.ts";

/** A row in full: its text wrapped, with its fields. */
export function LogDetail({ row, onClose }: { row: LogRow; onClose: () => void }) {
  return (
    <div className="log-detail" role="region" aria-label="Log line">
      <button type="button" className="button button--quiet log-detail__close" onClick={onClose}>
        Close
      </button>
      <DetailText row={row} />
    </div>
  );
}

function DetailText({ row }: { row: LogRow }) {
  switch (row.kind) {
    case "note":
      return (
        <p>
          <strong>{row.text}.</strong> {row.detail}
        </p>
      );
    case "sealed":
      return (
        <p>
          Unlock to read{" "}
          {row.lineCount === 1 ? "this line" : `these ${countWords(row.lineCount)} lines`}.
        </p>
      );
    case "line": {
      const { at, level, logger, text, fields } = row.line;
      return (
        <>
          <p className="quiet">
            {formatAbsolute(at)} · {level} · {logger} · attempt {row.epoch}
          </p>
          <CodeBlock text={cleanLogText(text)} wraps />
          {fields !== undefined && <CodeBlock text={JSON.stringify(fields, null, 2)} wraps />}
        </>
      );
    }
  }
}
