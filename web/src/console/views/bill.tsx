import type { Cost } from "../contract";
import { figure, money, unitPrice } from "../format";
import { Scroll } from "../parts/table";

type Line = Cost["lines"][number];

/** The lines of a bill, fixed ones apart from those that follow the load, each part with its sum. */
export function Bill({ bill }: { bill: Cost }) {
  const parts = [
    ["Fixed", bill.lines.filter((line) => line.kind === "fixed"), bill.fixedDollars],
    ["By usage", bill.lines.filter((line) => line.kind === "usage"), bill.usageDollars],
  ] as const;
  return (
    <Scroll label="Lines of the bill">
      <table class="bill">
        <caption>Lines of the bill</caption>
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">What</th>
            <th scope="col" class="number">
              Quantity
            </th>
            <th scope="col">Unit</th>
            <th scope="col" class="number">
              Unit price
            </th>
            <th scope="col" class="number">
              A month
            </th>
          </tr>
        </thead>
        {parts.map(([title, lines, dollars]) => (
          <tbody key={title}>
            <tr class="part">
              <th scope="rowgroup" colSpan={5}>
                {title}
              </th>
              <td class="number">{money(dollars)}</td>
            </tr>
            {lines.map((line) => (
              <BillLine key={`${line.service} ${line.what}`} line={line} />
            ))}
          </tbody>
        ))}
        <tfoot>
          <tr>
            <th scope="row" colSpan={5}>
              A month
            </th>
            <td class="number">{money(bill.dollars)}</td>
          </tr>
        </tfoot>
      </table>
    </Scroll>
  );
}

function BillLine({ line }: { line: Line }) {
  return (
    <tr>
      <th scope="row">{line.service}</th>
      <td>
        <span class="wide">{line.what}</span>
      </td>
      <td class="number">{figure(line.quantity)}</td>
      <td>{line.unit}</td>
      <td class="number">{unitPrice(line.unitPrice)}</td>
      <td class="number">{money(line.dollars)}</td>
    </tr>
  );
}
