import { type Events, MAX_EVENTS } from "../../../build/api_types";
import type { Api } from "../platform/api";
import type { CartLine } from "./cart";

/** A purchase of `POST /events`, with an ID, so that a retry counts once. Browsers' sessions may not send purchases. */
export type Purchase = Events["eventList"][number] & {
  readonly eventType: "purchase";
  readonly eventId: string;
  readonly properties?: string;
};

/** Clock and IDs of new events, which tests replace. */
interface EventStamp {
  readonly nowMs: number;
  readonly newId: () => string;
}

const browserStamp = (): EventStamp => ({ nowMs: Date.now(), newId: () => crypto.randomUUID() });

export function purchaseEvents(lines: readonly CartLine[], stamp = browserStamp()): Purchase[] {
  return lines.map(({ itemId, price, quantity, recommendationId }) => ({
    eventType: "purchase",
    eventId: stamp.newId(),
    sentAt: stamp.nowMs / 1000,
    itemId,
    ...(price === null ? {} : { eventValue: Math.round(price * quantity * 100) / 100 }),
    ...(quantity > 1 ? { properties: JSON.stringify({ quantity }) } : {}),
    ...(recommendationId ? { recommendationId } : {}),
  }));
}

export interface Identity {
  readonly sessionId: string;
  readonly userId?: string;
}

export function requestBodies(events: readonly Purchase[], identity: Identity, trackingId: string): Events[] {
  const calls: Events[] = [];
  for (let start = 0; start < events.length; start += MAX_EVENTS) {
    calls.push({ trackingId, ...identity, eventList: events.slice(start, start + MAX_EVENTS) });
  }
  return calls;
}

/** Send bodies one after another. A retry is safe, since duplicates count once. */
export async function postEvents(api: Api, calls: readonly Events[]): Promise<void> {
  for (const body of calls) {
    await api.post("/events", body);
  }
}
