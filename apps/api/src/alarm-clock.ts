type Alarm = { readonly timer: NodeJS.Timeout; readonly calls: Set<() => void> };

/** Calls back at instants of `performance.now()`. All calls for one instant share a timer, and come in one go. */
export class AlarmClock {
  readonly #alarms = new Map<number, Alarm>();

  set(atMs: number, call: () => void): void {
    const alarm = this.#alarms.get(atMs) ?? this.#start(atMs);
    alarm.calls.add(call);
  }

  cancel(atMs: number, call: () => void): void {
    const alarm = this.#alarms.get(atMs);
    if (alarm === undefined) return;
    alarm.calls.delete(call);
    if (alarm.calls.size > 0) return;
    clearTimeout(alarm.timer);
    this.#alarms.delete(atMs);
  }

  #start(atMs: number): Alarm {
    const timer = setTimeout(() => this.#ring(atMs), Math.max(0, atMs - performance.now()));
    const alarm = { timer, calls: new Set<() => void>() };
    this.#alarms.set(atMs, alarm);
    return alarm;
  }

  #ring(atMs: number): void {
    const { calls } = this.#alarms.get(atMs) ?? {};
    this.#alarms.delete(atMs);
    for (const call of calls ?? []) call();
  }
}
