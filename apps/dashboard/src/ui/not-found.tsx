import { Link } from "@tanstack/react-router";
import { paths } from "../paths.ts";

export function NotFound() {
  return (
    <div className="empty">
      <p>There is no page at this address.</p>
      <Link to={paths.runs}>Go to the runs</Link>
    </div>
  );
}
