import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => ComponentChildren;
  readonly number?: boolean;
  readonly title?: string;
}

interface Props<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly marked?: (row: Row) => boolean;
  readonly hideCaption?: boolean;
}

/**
 * A table with row headers in the first column. A table wider than the page scrolls, also by keyboard. On a phone, each
 * row is a block with the names of the columns. The roles keep the semantics of the table.
 */
export function Table<Row>({ caption, columns, rows, keyOf, marked, hideCaption = false }: Props<Row>) {
  return (
    <ScrollRegion label={caption}>
      {/* biome-ignore-start lint/a11y/noRedundantRoles: styles that make blocks of rows would remove the roles */}
      <table role="table">
        <caption class={hideCaption ? "visually-hidden" : undefined}>{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th
                key={column.name}
                scope="col"
                role="columnheader"
                class={column.number ? "number" : undefined}
                title={column.title}
              >
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={keyOf(row)} role="row" class={marked?.(row) ? "marked" : undefined}>
              {columns.map((column, at) =>
                at === 0 ? (
                  <th key={column.name} scope="row" role="rowheader">
                    {column.cell(row)}
                  </th>
                ) : (
                  <td
                    key={column.name}
                    role="cell"
                    class={column.number ? "number" : undefined}
                    data-column={column.name}
                  >
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {/* biome-ignore-end lint/a11y/noRedundantRoles: end of the table */}
    </ScrollRegion>
  );
}

/** A focusable region that scrolls sideways. */
function ScrollRegion({ label, children }: { label: string; children: ComponentChildren }) {
  const id = useId();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-labelledby={id}>
      <span id={id} class="visually-hidden">
        {label}, scrolls sideways
      </span>
      {children}
    </section>
  );
}
