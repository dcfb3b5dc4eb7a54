import { Icon } from "../parts/icons";

/** Says in a dialog that the champion pointer is no longer the one that it was opened with. */
export function Moved({ to }: { to: string | null }) {
  return (
    to && (
      <div class="note warn" role="alert">
        <Icon name="warn" />
        <p>The champion pointer has moved since this was opened: {to}. Close this and look again.</p>
      </div>
    )
  );
}
