import { useEffect, useState } from "preact/hooks";
import { MAX_ID_LENGTH, type User } from "../../../build/api_types";
import { toError } from "../platform/api";
import { useModal } from "../platform/modal";
import { useShop } from "./context";
import { errorText } from "./errors";
import { hue } from "./picture";
import "./picker.css";
import { findUsers, newGuest, parseShopper, type Shopper, userLine } from "./shopper";

const MAX_SHOWN = 40;

export function ShopperPicker({ close }: { readonly close: () => void }) {
  const shop = useShop();
  const [typed, setTyped] = useState("");
  const [users, setUsers] = useState<readonly User[] | null>(null);
  const [error, setError] = useState<Error | null>(null);
  useEffect(() => {
    shop.users().then(setUsers, (thrown) => setError(toError(thrown)));
  }, [shop]);
  const switchShopper = (shopper: Shopper) => {
    shop.switchShopper(shopper);
    close();
  };
  const matches = findUsers(users ?? [], typed, MAX_SHOWN);
  const id = typed.trim();
  const exact = matches.some((row) => row.userId === id);
  return (
    <dialog {...useModal(close)} class="picker" aria-labelledby="picker-title" closedby="any">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (id) switchShopper(parseShopper(id));
        }}
      >
        <div class="picker-head">
          <h2 id="picker-title">Choose a shopper</h2>
          <button type="button" onClick={close} aria-label="Close">
            <span aria-hidden="true">×</span>
          </button>
        </div>
        <button type="button" class="primary new-shopper" onClick={() => switchShopper(newGuest())}>
          New shopper
        </button>
        <label>
          Shopper ID or property
          <input
            value={typed}
            maxLength={MAX_ID_LENGTH}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        {id && !exact && (
          <button type="submit" class="use-id">
            Shop as “{id}”
          </button>
        )}
      </form>
      <p class="picker-note" role="status">
        {note(users, error, matches.length, id)}
      </p>
      <ul class="picker-list">
        {matches.map((row) => (
          <li key={row.userId}>
            <button type="button" onClick={() => switchShopper(parseShopper(row.userId))}>
              <span class="avatar" aria-hidden="true" style={{ "--hue": hue(row.userId) }}>
                {row.userId.slice(0, 2)}
              </span>
              <span>
                <b>{row.userId}</b>
                <span class="user-line">{userLine(row)}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </dialog>
  );
}

function note(users: readonly User[] | null, error: Error | null, matching: number, id: string): string {
  if (error) return `${errorText(error)}. You can type any ID.`;
  if (!users) return "Loading shoppers …";
  if (users.length === 0) return "The shop has no user data. Type a user ID.";
  if (matching === 0) return `None of the ${users.length} loaded shoppers matches “${id}”.`;
  if (matching === MAX_SHOWN) return `The first ${MAX_SHOWN} of ${users.length} loaded shoppers that match.`;
  return `${matching} of ${users.length} loaded shoppers.`;
}
