/** Cuts the bytes of an answer into lines; what stands after the last line end is no line. */
export async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let begun = "";
  for await (const bytes of body) {
    const parts = (begun + decoder.decode(bytes, { stream: true })).split("\n");
    begun = parts.pop() ?? "";
    for (const line of parts) if (line.trim() !== "") yield line;
  }
}
