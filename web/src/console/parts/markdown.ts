/** A block of Markdown, restricted to the syntax that the runbooks use. */
export type Block =
  | { readonly kind: "heading"; readonly level: number; readonly text: string }
  | { readonly kind: "paragraph"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly string[] }
  | { readonly kind: "code"; readonly lines: readonly string[] }
  | { readonly kind: "table"; readonly header: readonly string[]; readonly rows: readonly (readonly string[])[] };

/** A part of a line. `href` is the address as written in the Markdown. */
type Inline =
  | { readonly kind: "text" | "strong" | "emphasis" | "code"; readonly text: string }
  | { readonly kind: "link"; readonly text: string; readonly href: string };

export function parseBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.split("\n");
  let at = 0;
  const take = (matches: (line: string) => boolean): string[] => {
    const first = at;
    while (at < lines.length && matches(lines[at] ?? "")) at += 1;
    return lines.slice(first, at);
  };
  while (at < lines.length) {
    const line = lines[at] ?? "";
    const heading = line.match(/^(#+) (.*)$/);
    if (line.trim() === "") {
      at += 1;
    } else if (heading) {
      blocks.push({ kind: "heading", level: heading[1]?.length ?? 1, text: heading[2] ?? "" });
      at += 1;
    } else if (line.startsWith("```")) {
      at += 1;
      blocks.push({ kind: "code", lines: take((next) => !next.startsWith("```")) });
      at += 1;
    } else if (line.startsWith("|")) {
      const [header = [], , ...rows] = take((next) => next.startsWith("|")).map(cells);
      blocks.push({ kind: "table", header, rows });
    } else if (line.startsWith("- ")) {
      const items = take((next) => /^(- | {2}\S)/.test(next)).join("\n");
      blocks.push({ kind: "list", items: items.slice(2).split("\n- ").map(joined) });
    } else {
      blocks.push({ kind: "paragraph", text: joined(take((next) => !/^(\s*$|#|```|\||- )/.test(next)).join("\n")) });
    }
  }
  return blocks;
}

const joined = (lines: string): string => lines.replaceAll(/\s*\n\s*/g, " ");

const cells = (line: string): string[] =>
  line
    .replace(/^\||\|\s*$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|\[([^\]]+)\]\(([^)]+)\)/g;

export function parseInline(text: string): Inline[] {
  const parts: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, strong, emphasis, link, href = ""] = match;
    if (match.index > end) parts.push({ kind: "text", text: text.slice(end, match.index) });
    if (code !== undefined) parts.push({ kind: "code", text: code });
    else if (strong !== undefined) parts.push({ kind: "strong", text: strong });
    else if (emphasis !== undefined) parts.push({ kind: "emphasis", text: emphasis });
    else parts.push({ kind: "link", text: (link ?? "").replaceAll(/[*`]/g, ""), href });
    end = match.index + whole.length;
  }
  if (end < text.length) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}
