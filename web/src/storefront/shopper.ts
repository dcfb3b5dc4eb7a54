import { MAX_PAGE_ROWS, type User, type UserPage } from "../../../build/api_types";
import type { Api } from "../platform/api";

/** The current shopper: a user of the shop, or an anonymous visitor, who has only a session. */
export interface Shopper {
  readonly id: string;
  readonly anonymous: boolean;
}

const GUEST = "guest-";

export function newGuest(random: () => string = () => crypto.randomUUID()): Shopper {
  return { id: `${GUEST}${random().replaceAll("-", "").slice(0, 8)}`, anonymous: true };
}

/** Return the shopper with an id. A prefix identifies visitors. */
export function parseShopper(id: string): Shopper {
  return { id, anonymous: id.startsWith(GUEST) };
}

export function shopperName(shopper: Shopper): string {
  return shopper.anonymous ? `Guest ${shopper.id.slice(GUEST.length)}` : `Shopper ${shopper.id}`;
}

export function greeting(shopper: Shopper): string {
  return shopper.anonymous ? "Welcome" : `Good to see you, shopper ${shopper.id}`;
}

/** The maximum number of users that a page loads. Other ids can be typed. */
const MAX_USERS = 3000;

export async function loadUsers(api: Api): Promise<User[]> {
  const users: User[] = [];
  let next: string | undefined;
  do {
    const { body } = await api.get<UserPage>("/users", { limit: MAX_PAGE_ROWS, nextToken: next });
    users.push(...body.users);
    next = body.nextToken;
  } while (next !== undefined && users.length < MAX_USERS);
  return users;
}

export function userLine(user: User): string {
  return Object.values(user.properties)
    .filter((value) => typeof value === "string" || typeof value === "number")
    .slice(0, 4)
    .join(" · ");
}

/** Return the users whose ID or columns contain every typed word. IDs that start with the first word are first. */
export function findUsers(users: readonly User[], typed: string, limit: number): User[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = users.filter((user) => {
    const text = `${user.userId} ${Object.values(user.properties).join(" ")}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const first = (user: User) => (words[0] !== undefined && user.userId.toLowerCase().startsWith(words[0]) ? 0 : 1);
  return matches
    .sort((a, b) => first(a) - first(b) || a.userId.localeCompare(b.userId, undefined, { numeric: true }))
    .slice(0, limit);
}
