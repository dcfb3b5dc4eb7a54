// Program written for Amazon Personalize. Its clients read the variables that `alsolike keys create` prints.
import { DeleteSchemaCommand, ListRecipesCommand, PersonalizeClient } from "@aws-sdk/client-personalize";
import { PersonalizeEventsClient, PutEventsCommand } from "@aws-sdk/client-personalize-events";
import { GetRecommendationsCommand, PersonalizeRuntimeClient } from "@aws-sdk/client-personalize-runtime";

const [trackingId, userId] = process.argv.slice(2);
const personalize = new PersonalizeClient({});
const { recipes } = await personalize.send(new ListRecipesCommand({}));
const event = { eventType: "View", itemId: "item-00", sentAt: new Date() };
await new PersonalizeEventsClient({}).send(
  new PutEventsCommand({ trackingId, userId, sessionId: "javascript", eventList: [event] }),
);
const { itemList } = await new PersonalizeRuntimeClient({}).send(
  new GetRecommendationsCommand({
    recommenderArn: "arn:aws:personalize:us-east-1:123456789012:recommender/for-you",
    userId,
  }),
);
let refusal;
try {
  const schemaArn = "arn:aws:personalize:us-east-1:123456789012:schema/none";
  await personalize.send(new DeleteSchemaCommand({ schemaArn }));
} catch (error) {
  refusal = error.name;
}
console.log(JSON.stringify({ recipes: recipes.length, items: itemList.map((item) => item.itemId), refusal }));
