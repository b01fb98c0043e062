/** "1.2 s", "3 min 4 s", "2 h 5 min". */
export function durationWords(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const wholeMinutes = Math.floor(seconds / 60);
  if (wholeMinutes < 60) return `${wholeMinutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(wholeMinutes / 60)} h ${wholeMinutes % 60} min`;
}

/** How long something took, or has been taking until `now`; "" when it has not begun. */
export function spanWords(startedAt: string | null, endedAt: string | null, now: Date): string {
  if (startedAt === null) return "";
  const end = endedAt === null ? now.getTime() : Date.parse(endedAt);
  return durationWords(Math.max(0, end - Date.parse(startedAt)));
}

/** "just now", "5 min ago", "in 2 h"; the date itself when more than two days away. */
export function relativeWords(instant: string, now: Date): string {
  const ageMs = now.getTime() - Date.parse(instant);
  const distanceMs = Math.abs(ageMs);
  if (distanceMs < 10_000) return "just now";
  const unit = UNITS.find(({ belowMs }) => distanceMs < belowMs);
  if (unit === undefined) return instant.slice(0, "2014-07-01 12:00".length).replace("T", " ");
  const words = `${Math.floor(distanceMs / unit.lengthMs)} ${unit.name}`;
  return ageMs >= 0 ? `${words} ago` : `in ${words}`;
}

/** The time of day with milliseconds, in the local zone. */
export function clockWords(instant: string): string {
  const at = new Date(instant);
  const two = (value: number): string => String(value).padStart(2, "0");
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
  return `${clock}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

const UNITS = [
  { belowMs: 60_000, lengthMs: 1000, name: "s" },
  { belowMs: 3_600_000, lengthMs: 60_000, name: "min" },
  { belowMs: 172_800_000, lengthMs: 3_600_000, name: "h" },
];
