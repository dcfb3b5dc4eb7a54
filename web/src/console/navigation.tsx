import { useEffect, useRef, useState } from "preact/hooks";
import { useQuery } from "./context";
import type { Alarms } from "./contract";
import { Icon } from "./parts/icons";
import { alarms, LIVE_MS } from "./queries";
import { href, type Route } from "./routing";
import { GROUPS, VIEWS } from "./views";

interface Props {
  readonly environment: string;
  readonly consoles: Readonly<Record<string, string>>;
  readonly current: Route;
  readonly signOut: () => void;
}

export function Navigation({ environment, consoles, current, signOut }: Props) {
  const [open, setOpen] = useState(false);
  const menu = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const closeByEscape = (event: KeyboardEvent) => {
      if (event.key === "Escape") {
        setOpen(false);
        menu.current?.focus();
      }
    };
    if (open) {
      document.addEventListener("keydown", closeByEscape);
    }
    return () => document.removeEventListener("keydown", closeByEscape);
  }, [open]);
  const activeAlarms =
    useQuery<Alarms>(alarms, LIVE_MS, true).data?.alarms.filter((alarm) => alarm.state === "ALARM").length ?? 0;
  return (
    <div class={`side${open ? " open" : ""}`}>
      <div>
        <header class="brand">
          <a href={href("overview")} onClick={() => setOpen(false)}>
            <span class="mark" aria-hidden="true">
              <Icon name="star" />
            </span>
            Alsolike
          </a>
          <Environment name={environment} consoles={consoles} />
          <button
            ref={menu}
            type="button"
            class="small menu"
            aria-expanded={open}
            aria-controls="navigation"
            onClick={() => setOpen(!open)}
          >
            <Icon name={open ? "close" : "menu"} /> Menu
          </button>
        </header>
        <nav id="navigation" aria-label="Console">
          {GROUPS.map((group) => (
            <div class="group" key={group}>
              <h2>{group}</h2>
              <ul>
                {VIEWS.filter((view) => view.group === group).map((view) => (
                  <li key={view.name}>
                    <a
                      href={href(view.name)}
                      aria-current={view.name === current.view ? "page" : undefined}
                      onClick={() => setOpen(false)}
                    >
                      <Icon name={view.icon} />
                      {view.title}
                      {view.name === "alarms" && activeAlarms > 0 && (
                        <span class="badge">
                          {activeAlarms}
                          <span class="visually-hidden"> ringing</span>
                        </span>
                      )}
                    </a>
                  </li>
                ))}
              </ul>
            </div>
          ))}
          <button type="button" class="quiet sign-out" onClick={signOut}>
            <Icon name="exit" /> Sign out
          </button>
        </nav>
      </div>
    </div>
  );
}

function Environment({ name, consoles }: { readonly name: string; readonly consoles: Props["consoles"] }) {
  if (Object.keys(consoles).length === 0) {
    return (
      <span class="environment" title="The environment">
        {name}
      </span>
    );
  }
  const open = (chosen: string) => {
    const url = consoles[chosen];
    if (url) {
      location.assign(`${url}/console.html`);
    }
  };
  return (
    <select
      class="environment"
      aria-label="Environment"
      value={name}
      onChange={(event) => open(event.currentTarget.value)}
    >
      {[...new Set([name, ...Object.keys(consoles)])].sort().map((each) => (
        <option key={each}>{each}</option>
      ))}
    </select>
  );
}
