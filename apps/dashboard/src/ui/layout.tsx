import { Link, Outlet } from "@tanstack/react-router";
import { useKey } from "../key/key-context.tsx";
import type { KeyLock } from "../key/key-lock.ts";
import { LockButton } from "../key/lock-button.tsx";
import { KeyNotice } from "../key/key-notice.tsx";
import { UnlockDialog } from "../key/unlock-dialog.tsx";
import { paths } from "../paths.ts";
import { apiKeyStore } from "../session/api-key.ts";
import { usePrincipal } from "../session/principal-context.ts";
import { CONTENT_ID } from "./content.ts";
import { useFocusByPage } from "./use-focus-by-page.ts";

export function Layout() {
  const { workspace } = usePrincipal();
  const { lock } = useKey();
  useFocusByPage();
  return (
    <>
      <a className="skip-link" href={`#${CONTENT_ID}`}>
        Skip to the content
      </a>
      <header className="top-bar">
        <Link to={paths.runs} className="brand">
          Downbeat
        </Link>
        <nav aria-label="Main">
          <Link to={paths.runs} className="nav-link">
            Runs
          </Link>
        </nav>
        <span className="top-bar__space" />
        <span className="quiet top-bar__workspace" title={`Workspace ${workspace.id}`}>
          {workspace.name}
        </span>
        <LockButton />
        <button type="button" className="button button--quiet" onClick={() => void signOut(lock)}>
          Sign out
        </button>
      </header>
      <main className="page" id={CONTENT_ID} tabIndex={-1}>
        <KeyNotice />
        <Outlet />
      </main>
      <UnlockDialog />
    </>
  );
}

/** Leaves nothing behind: whoever signs in next gets neither the API key nor the workspace key. */
async function signOut(lock: KeyLock): Promise<void> {
  await lock.lock("asked").finally(() => apiKeyStore.clear());
}
