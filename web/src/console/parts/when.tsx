import { useNow } from "../context";
import { ago, dateTime, utc } from "../format";

/** A time: how long ago, or the reader's own clock; UTC on pointing at it. */
export function When({ ms, exact = false }: { ms: number; exact?: boolean }) {
  const now = useNow();
  return (
    <time dateTime={new Date(ms).toISOString()} title={exact ? utc(ms) : `${dateTime(ms)} here, ${utc(ms)}`}>
      {exact ? dateTime(ms) : ago(ms, now)}
    </time>
  );
}
