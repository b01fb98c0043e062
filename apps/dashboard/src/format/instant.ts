const absolute = new Intl.DateTimeFormat(undefined, {
  dateStyle: "medium",
  timeStyle: "long",
});
const timeOfDay = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});

/** An instant in the viewer's zone, with the zone's name, and in UTC. */
export function formatAbsolute(instant: string): string {
  return `${absolute.format(new Date(instant))} (${new Date(instant).toISOString()})`;
}

/** The time of day in the viewer's zone, to the millisecond, for log lines. */
export function formatTimeOfDay(instant: string): string {
  return timeOfDay.format(new Date(instant));
}
