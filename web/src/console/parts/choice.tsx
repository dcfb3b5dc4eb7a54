import { useId } from "preact/hooks";

interface Props {
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
  readonly value: string;
  readonly choose: (value: string) => void;
}

/** One of a few, all of which are seen: radio buttons in a row. */
export function Choice({ name, options, value, choose }: Props) {
  const id = useId();
  return (
    <fieldset class="choice">
      <legend>{name}</legend>
      <div>
        {Object.entries(options).map(([option, title]) => (
          <label key={option}>
            <input type="radio" name={id} value={option} checked={option === value} onChange={() => choose(option)} />
            <span>{title}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
