type Values = Readonly<Record<string, string>>;

const PLACE = /\{(\w+)\}/g;
const URLS = ["href", "src", "action", "formaction", "srcset", "xlink:href"];
const SAFE = /^(https?:|mailto:|tel:|data:image\/|[^:]*([/?#]|$))/i;

/** Replace `{name}` in a template, except in scripts, styles and event handlers. Values never become markup. */
export function fill(content: Node, values: Values): void {
  const walk = document.createTreeWalker(content, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) {
      if (!/^(script|style)$/i.test(node.parentElement?.tagName ?? ""))
        node.nodeValue = fillText(node.nodeValue, values);
      continue;
    }
    for (const { name, value } of [...(node as Element).attributes]) {
      if (!value.includes("{") || /^(on|style$|srcdoc$)/i.test(name)) continue;
      const filled = URLS.includes(name.toLowerCase()) ? fillUrl(value, values) : fillText(value, values);
      (node as Element).setAttribute(name, filled);
    }
  }
}

/** Replace `{name}` in an address. Values are encoded, except a value at the start. An unsafe address becomes `#`. */
export function fillUrl(text: string, values: Values): string {
  const whole = /^\{\w+\}/.test(text);
  const filled = text.replace(PLACE, (_, name, place) =>
    whole && place === 0 ? (values[name] ?? "") : encodeURIComponent(values[name] ?? ""),
  );
  return SAFE.test(filled.trim()) ? filled : "#";
}

function fillText(text: string | null, values: Values): string {
  return (text ?? "").replace(PLACE, (_, name) => values[name] ?? "");
}
