import { sentence } from "./format";
import { type Block, parseBlocks } from "./parts/markdown";
import { href } from "./routing";

const texts = import.meta.glob<string>("../../../docs/runbooks/*.md", {
  query: "?raw",
  import: "default",
  eager: true,
});

const RUNBOOKS: ReadonlyMap<string, string> = new Map(
  Object.entries(texts).map(([path, text]) => [path.replace(/^.*\/|\.md$/g, ""), text]),
);

export const runbookHref = (name: string): string => href("alarms", name);

export function runbook(name: string): { readonly title: string; readonly blocks: readonly Block[] } | null {
  const [title, ...blocks] = parseBlocks(RUNBOOKS.get(name) ?? "");
  return title?.kind === "heading" ? { title: sentence(title.text.replace(/^Runbook: /, "")), blocks } : null;
}

/** Return the view of a link in a runbook, or null for pages that only the documentation has. */
export function linkedView(link: string): string | null {
  const name = link.match(/^([\w-]+)\.md(?:#.*)?$/)?.[1];
  return name !== undefined && RUNBOOKS.has(name) ? runbookHref(name) : null;
}

/** Return the first commands in the section "Check" of a runbook, without `show` commands, which need an ID. */
export function firstCommands(name: string): string[] {
  const { blocks = [] } = runbook(name) ?? {};
  const check = blocks.findIndex((block) => block.kind === "heading" && block.text === "Check");
  const code = blocks.slice(check + 1).find((block) => block.kind === "code");
  return (code?.kind === "code" ? code.lines : []).flatMap((line) => {
    const command = commandOf(line)?.command;
    return command && !/ show /.test(command) ? [command] : [];
  });
}

/** Return the command and the comment of a line such as `$ alsolike status # champion`, or null for output. */
export function commandOf(line: string): { readonly command: string; readonly comment: string } | null {
  const [, command, comment = ""] = line.match(/^\$ (.*?)(?:\s+#\s*(.*))?$/) ?? [];
  return command === undefined ? null : { command, comment };
}
