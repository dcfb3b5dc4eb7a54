import { useEffect } from "preact/hooks";
import { Icon } from "./parts/icons";

export interface Said {
  readonly id: number;
  readonly message: string;
  readonly link?: { readonly href: string; readonly text: string } | undefined;
}

const SHOWN_MS = 12_000;

/** Recent messages, which screen readers read out. */
export function Sayings({ said, forget }: { said: readonly Said[]; forget: (id: number) => void }) {
  return (
    <div class="sayings" role="status" aria-live="polite">
      {said.map((one) => (
        <Saying key={one.id} said={one} forget={() => forget(one.id)} />
      ))}
    </div>
  );
}

function Saying({ said, forget }: { said: Said; forget: () => void }) {
  useEffect(() => {
    const timer = setTimeout(forget, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said.id]);
  return (
    <div class="saying">
      <p>
        {said.message} {said.link && <a href={said.link.href}>{said.link.text}</a>}
      </p>
      <button type="button" class="quiet small" aria-label="Dismiss" onClick={forget}>
        <Icon name="close" />
      </button>
    </div>
  );
}
