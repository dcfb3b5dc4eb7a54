import { useEffect, useRef } from "preact/hooks";
import { useDesk, useFeed } from "./context";
import type { Models } from "./contract";
import { LIVE_MS, models } from "./questions";
import { href } from "./routing";

/** Announces a new champion in every view, independent of who promoted it. */
export function ChampionWatch() {
  const { announce } = useDesk();
  const champion = useFeed<Models>(models, LIVE_MS, true).data?.champion?.version;
  const known = useRef(champion);
  useEffect(() => {
    if (champion && known.current && champion !== known.current) {
      announce(`${champion} is champion; serving follows within a minute.`, {
        href: href("models", champion),
        text: "Its story",
      });
    }
    known.current = champion ?? known.current;
  }, [champion, announce]);
  return null;
}
