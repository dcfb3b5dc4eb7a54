import { useDesk } from "../context";
import { Icon } from "./icons";

/** A command for a terminal, with a button that copies it. */
export function Command({ text }: { text: string }) {
  const { announce } = useDesk();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      announce(`Copied: ${text}`);
    } catch {
      announce("This browser does not let the page copy: select the command instead.");
    }
  };
  return (
    <span class="command">
      <code>{text}</code>
      <button type="button" class="quiet small" onClick={() => void copy()} aria-label={`Copy: ${text}`}>
        <Icon name="copy" />
      </button>
    </span>
  );
}

/** A word in a shell's command, quoted where the shell would read it otherwise. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
