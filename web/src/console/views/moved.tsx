import { Icon } from "../parts/icons";

/** Says in a dialog that the champion pointer is no longer the one that it was opened with. */
export function Moved({ to }: { to: string | null }) {
  return (
    to && (
      <div class="note warn" role="alert">
        <Icon name="warn" />
        <p>The champion has changed since you opened this dialog: {to}. Close it and start again.</p>
      </div>
    )
  );
}
