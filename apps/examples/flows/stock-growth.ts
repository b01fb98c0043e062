import { flow, log, task } from "@downbeat/sdk";
import { z } from "zod";
import { parseCsv } from "../src/csv.ts";
import { readDataFile } from "../src/data-files.ts";
import { groupBy } from "../src/group-by.ts";

export type Growth = { symbol: string; factor: number };
type Price = { symbol: string; price: number };

const readStocks = task({ name: "read-stocks" }, async (symbols: readonly string[]) => {
  const rows = parseCsv(await readDataFile("stocks.csv")).map(toPrice);
  return rows.filter(({ symbol }) => symbols.includes(symbol));
});

const readIndex = task({ name: "read-index" }, async () => {
  const rows = parseCsv(await readDataFile("sp500.csv"));
  return rows.map((row) => toPrice({ ...row, symbol: "S&P 500" }));
});

const compare = task({ name: "compare" }, (lists: Price[][]): Growth[] => {
  const growths = [...groupBy(lists.flat(), ({ symbol }) => symbol)].map(([symbol, prices]) => ({
    symbol,
    factor: Math.round((100 * (prices.at(-1)?.price ?? 0)) / (prices[0]?.price ?? 1)) / 100,
  }));
  if (growths.length < 2) throw new RangeError("nothing to compare the index with");
  return growths.toSorted((a, b) => b.factor - a.factor);
});

const askForHelp = task({ name: "ask-for-help" }, async () => log.warn("someone should look"));

/** Futures: both files are read at the same time, and what depends on them says so by taking them. */
export const stockGrowth = flow(
  {
    name: "stock-growth",
    parameters: z.object({ symbols: z.array(z.string()).default(["AAPL", "IBM", "MSFT"]) }),
  },
  async ({ symbols }) => {
    const stocks = readStocks.submit(symbols);
    const index = readIndex.submit();
    const growth = compare.submit([stocks, index]);
    await askForHelp.with({ after: [growth], runWhen: "any-failed" })();
    return growth;
  },
);

function toPrice(row: Record<string, string>): Price {
  return { symbol: row["symbol"] ?? "", price: Number(row["price"]) };
}
