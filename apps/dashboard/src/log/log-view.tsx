import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { LogDetail } from "./log-detail.tsx";
import { LogRowView } from "./log-row-view.tsx";
import type { LogRow } from "./log-rows.ts";

/** The same as `.log__row` in log.css. One height for all: rows of unknown height make long logs jump while scrolling. */
const ROW_HEIGHT_PX = 22;
const NEAR_END_PX = 2 * ROW_HEIGHT_PX;

/** A window onto the rows; a row is shown in full, wrapped, when chosen. Follows the end of a live log until scrolled up. */
export function LogView({ rows, live }: { rows: readonly LogRow[]; live: boolean }) {
  const viewport = useRef<HTMLDivElement>(null);
  const [chosenKey, setChosenKey] = useState<string>();
  const chosenIndex = rows.findIndex(({ key }) => key === chosenKey);
  const idPrefix = useId();
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => ROW_HEIGHT_PX,
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 20,
  });
  const onScroll = useFollowedEnd(viewport, { live, rowCount: rows.length });

  function move(event: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") setChosenKey(undefined);
    if (step === undefined) return;
    event.preventDefault();
    const index = Math.min(rows.length - 1, Math.max(0, chosenIndex + step));
    setChosenKey(rows[index]?.key);
    virtualizer.scrollToIndex(index);
  }

  function close() {
    setChosenKey(undefined);
    viewport.current?.focus(); // the button goes, the lines stay
  }

  return (
    <>
      <div
        ref={viewport}
        className="log"
        role="listbox"
        aria-label="Log lines"
        aria-activedescendant={chosenIndex < 0 ? undefined : `${idPrefix}${chosenIndex}`}
        tabIndex={0}
        onKeyDown={move}
        onScroll={onScroll}
      >
        <div
          className="log__rows"
          role="presentation"
          style={{ height: virtualizer.getTotalSize() }}
        >
          {virtualizer.getVirtualItems().map(({ index, key, start }) => {
            const row = rows[index];
            if (row === undefined) return null;
            return (
              <div
                key={key}
                id={`${idPrefix}${index}`}
                role="option"
                aria-selected={index === chosenIndex}
                className={`log__row log__row--${row.kind === "line" ? row.line.level : row.kind}`}
                style={{ transform: `translateY(${start}px)` }}
                onClick={() => setChosenKey(row.key === chosenKey ? undefined : row.key)}
              >
                <LogRowView row={row} />
              </div>
            );
          })}
        </div>
      </div>
      {rows[chosenIndex] !== undefined && <LogDetail row={rows[chosenIndex]} onClose={close} />}
    </>
  );
}

function useFollowedEnd(
  viewport: { current: HTMLDivElement | null },
  { live, rowCount }: { live: boolean; rowCount: number },
): () => void {
  const atEnd = useRef(live);
  useEffect(() => {
    if (live && atEnd.current) viewport.current?.scrollTo({ top: rowCount * ROW_HEIGHT_PX });
  }, [viewport, live, rowCount]);
  return () => {
    const box = viewport.current;
    if (box === null) return;
    atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX;
  };
}
