import { useEffect, useState } from "preact/hooks";

/** A number that changes with the colour scheme, for what is drawn and not styled. */
export function useScheme(): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const changed = () => setTurn((n) => n + 1);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", changed);
    return () => dark.removeEventListener("change", changed);
  }, []);
  return turn;
}

/** The colour that a custom property has now, as a canvas takes it, with some of its opacity. */
export function colour(place: HTMLElement, property: string, opacity = 1): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${property})`;
  place.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  const parts = found.match(/[\d.]+/g);
  return opacity === 1 || !parts ? found : `rgba(${parts.slice(0, 3).join(", ")}, ${opacity})`;
}
