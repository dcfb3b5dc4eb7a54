import { sentence } from "../format";
import { Command } from "../parts/elements";
import { type Block, parseInline } from "../parts/markdown";
import { EmptyState } from "../parts/query_content";
import { Table } from "../parts/table";
import { href } from "../routing";
import { commandOf, linkedView, runbook } from "../runbooks";

export function RunbookView({ name }: { name: string }) {
  const found = runbook(name);
  if (!found) {
    return (
      <EmptyState title={`There is no runbook “${name}”`}>
        <a href={href("alarms")}>All alarms</a>
      </EmptyState>
    );
  }
  return (
    <article class="card padded runbook-text">
      {found.blocks.map((block, at) => (
        <BlockContent key={`${at} ${block.kind}`} block={block} />
      ))}
    </article>
  );
}

function BlockContent({ block }: { block: Block }) {
  switch (block.kind) {
    case "heading":
      return block.level <= 2 ? <h2>{block.text}</h2> : <h3>{block.text}</h3>;
    case "paragraph":
      return (
        <p>
          <Line text={block.text} />
        </p>
      );
    case "list":
      return (
        <ul>
          {block.items.map((item) => (
            <li key={item}>
              <Line text={item} />
            </li>
          ))}
        </ul>
      );
    case "code":
      return <Code lines={block.lines} />;
    case "table":
      return (
        <Table
          caption={block.header.join(", ")}
          hideCaption
          rows={block.rows}
          keyOf={(row) => row.join()}
          columns={block.header.map((name, at) => ({
            name: sentence(name),
            cell: (row: readonly string[]) => (
              <span class="wide">
                <Line text={row[at] ?? ""} />
              </span>
            ),
          }))}
        />
      );
  }
}

/** Commands with their comments. A block without a prompt is one command. */
function Code({ lines }: { lines: readonly string[] }) {
  if (!lines.some((line) => commandOf(line))) return <Command text={lines.join("\n")} />;
  return (
    <ul class="commented">
      {lines.map((line) => {
        const { command, comment } = commandOf(line) ?? { command: null, comment: line };
        return (
          <li key={line}>
            {command && <Command text={command} />} <span class="faint">{comment}</span>
          </li>
        );
      })}
    </ul>
  );
}

function Line({ text }: { text: string }) {
  return (
    <>
      {parseInline(text).map((part, at) => {
        const key = `${at} ${part.text}`;
        switch (part.kind) {
          case "code":
            return <code key={key}>{part.text}</code>;
          case "strong":
            return <b key={key}>{part.text}</b>;
          case "emphasis":
            return <em key={key}>{part.text}</em>;
          case "link": {
            const view = linkedView(part.href);
            return view ? (
              <a key={key} href={view}>
                {part.text}
              </a>
            ) : (
              part.text
            );
          }
          default:
            return part.text;
        }
      })}
    </>
  );
}
