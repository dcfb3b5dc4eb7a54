import { activityText } from "./activity";
import { useShop } from "./context";
import "./strip.css";

export function ActivityStrip() {
  const { activity } = useShop();
  const [latest, ...earlier] = activity;
  const text = latest ? activityText(latest) : "";
  return (
    <aside class={latest ? "strip" : "visually-hidden"} aria-label="Events sent">
      <div class={`strip-latest ${latest?.state ?? ""}`}>
        <p role="status" title={text}>
          {text}
        </p>
        {latest?.again && (
          <button type="button" onClick={latest.again}>
            Send again
          </button>
        )}
      </div>
      {earlier.length > 0 && (
        <details>
          <summary>Before</summary>
          <ol>
            {earlier.map((line) => (
              <li key={line.id} class={line.state} title={activityText(line)}>
                {activityText(line)}
              </li>
            ))}
          </ol>
        </details>
      )}
    </aside>
  );
}
