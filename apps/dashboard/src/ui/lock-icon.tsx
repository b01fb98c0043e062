/** Drawn, not an emoji: those look different everywhere, and some machines have none. */
export function LockIcon({ open = false }: { open?: boolean }) {
  return (
    <svg className="lock-icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <rect x="3" y="7" width="10" height="7" rx="1.5" fill="currentColor" />
      <path
        d={open ? "M5.5 7V4.8a2.5 2.5 0 0 1 4.8-1" : "M5.5 7V4.8a2.5 2.5 0 0 1 5 0V7"}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
        strokeLinecap="round"
      />
    </svg>
  );
}
