import type { ArtifactContent } from "@downbeat/contract";
import { useState } from "react";

const ROWS_AT_ONCE = 100;

type Table = Extract<ArtifactContent, { type: "table" }>;

export function TableArtifact({ table: { columns, rows } }: { table: Table }) {
  const [most, setMost] = useState(ROWS_AT_ONCE);
  if (rows.length === 0) return <p className="quiet">No rows.</p>;
  const shown = rows.slice(0, most);
  // Columns and rows have no identity but their place.
  return (
    <div className="artifact__table" tabIndex={0}>
      <table className="table">
        <thead>
          <tr>
            {columns.map((column, at) => (
              <th key={at} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) => (
                <td key={column} className={typeof cell === "number" ? "number" : undefined}>
                  {cell === null ? "" : String(cell)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < rows.length && (
        <button type="button" className="button" onClick={() => setMost(most + 10 * ROWS_AT_ONCE)}>
          Show more of {rows.length} rows
        </button>
      )}
    </div>
  );
}
