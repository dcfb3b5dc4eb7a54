// Prints the API's limits, and a type for each schema of its description, or only for the schemas and query strings in
// the arguments: `npm run types`.
import description from "../docs/openapi.json" with { type: "json" };

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
  readonly maxProperties?: number;
  readonly description?: string;
}

const schemas = description.components.schemas as unknown as Readonly<Record<string, Schema>>;

// The description has no tuples, because older tools misread `prefixItems`.
const POINT = { type: "array", items: { type: ["number", "null"] }, minItems: 2, maxItems: 2 };

function typeOf(schema: Schema): string {
  const { description: _, ...rest } = schema;
  if (JSON.stringify(rest) === JSON.stringify(POINT)) return "Point";
  if (schema.$ref) return schema.$ref.replace("#/components/schemas/", "");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (!schema.type && schema.anyOf) return schema.anyOf.map(typeOf).join(" | ");
  return [schema.type]
    .flat()
    .map((type) => typeNamed(type, schema))
    .join(" | ");
}

function typeNamed(type: string | undefined, schema: Schema): string {
  const { properties, required, items, additionalProperties, maxProperties } = schema;
  if (type === "integer") return "number";
  if (type === "string" || type === "number" || type === "boolean" || type === "null") return type;
  if (type === "array") return `readonly (${items ? typeOf(items) : "unknown"})[]`;
  if (type === "object" && properties) {
    const fields = Object.entries(properties).map(([name, schema]) => {
      const comment = schema.description ? `/** ${schema.description} */ ` : "";
      return `${comment}readonly ${name}${required?.includes(name) ? "" : "?"}: ${typeOf(schema)};`;
    });
    return `{ ${fields.join("\n")} }`;
  }
  if (type === "object" && typeof additionalProperties === "object") {
    return `Readonly<Record<string, ${typeOf(additionalProperties)}>>`;
  }
  if (type === "object" && maxProperties === 0) return "Readonly<Record<string, never>>";
  if (type === "object") return "Readonly<Record<string, unknown>>";
  throw new Error(`schema type ${type} is not supported; expected one of JSON Schema's types with items or properties`);
}

declare const process: { readonly argv: readonly string[] }; // of Node

interface Parameter {
  readonly name: string;
  readonly schema: Schema;
}

const paths = description.paths as unknown as Readonly<
  Record<string, { readonly get?: { readonly parameters?: readonly Parameter[] } }>
>;

const { SessionEvents, PromoteModel, CreateSessionToken } = description.components.schemas;
const event = SessionEvents.properties.eventList;

function parameter(path: string, name: string): Limited {
  return paths[path]?.get?.parameters?.find((each) => each.name === name)?.schema as Limited;
}

type Limited = { readonly maxItems?: number; readonly maximum?: number; readonly default?: unknown };

const LIST = "/session/recommendations";
const LIMITS: Readonly<Record<string, readonly [limit: unknown, about: string]>> = {
  MAX_EVENTS: [event.maxItems, "Maximum number of events in a call."],
  MAX_IMPRESSION: [event.items.properties.impression.maxItems, "Maximum number of items in an event's impression."],
  MAX_CART_ITEMS: [parameter(LIST, "cart").maxItems, "Maximum number of items in the parameter `cart`."],
  MAX_EXCLUDED: [parameter(LIST, "exclude").maxItems, "Maximum number of items in the parameter `exclude`."],
  DEFAULT_RESULTS: [parameter(LIST, "numResults").default, "Number of recommendations without `numResults`."],
  MAX_PAGE_ROWS: [parameter("/items", "limit").maximum, "Maximum number of items or users in a page of a list."],
  MAX_REASON_LENGTH: [PromoteModel.properties.reason.maxLength, "Maximum length of a change's reason in characters."],
  MAX_ID_LENGTH: [CreateSessionToken.properties.userId.maxLength, "Maximum length of an ID in characters."],
};

function schemaOf(name: string): Schema {
  const parameters = paths[name]?.get?.parameters;
  const schema = parameters
    ? { type: "object", properties: Object.fromEntries(parameters.map(({ name, schema }) => [name, schema])) }
    : schemas[name];
  if (!schema)
    throw new Error(`${name} does not exist; expected a path with parameters, or one of ${Object.keys(schemas)}`);
  return schema;
}

const names = process.argv.slice(2);
if (names.length === 0) {
  console.log("/** A time in milliseconds since 1970 and a value; null where nothing was counted. */");
  console.log("export type Point = readonly [timeMs: number, value: number | null];");
}
for (const [name, [limit, about]] of Object.entries(LIMITS)) {
  if (typeof limit !== "number") throw new Error(`the API's description has ${limit} for ${name}, expected a number`);
  console.log(`/** ${about} */\nexport const ${name} = ${limit};`);
}
for (const name of names.length > 0 ? names : Object.keys(schemas)) {
  const typeName = name.startsWith("/") ? "Query" : name;
  console.log(`export type ${typeName} = ${typeOf(schemaOf(name))};`);
}
