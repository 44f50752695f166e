// graphql-ws as the subscriber: prints "ready", then a line of JSON for each result, then {"closed": code}.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url, token, document, variables] = process.argv.slice(2);
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: token ? { authorization: `Bearer ${token}` } : {},
  retryAttempts: 0,
  lazy: false,
  onNonLazyError: () => {},
});
client.on("connected", () => {
  client.subscribe(
    { query: document, variables: JSON.parse(variables ?? "{}") },
    {
      next: (result) => console.log(JSON.stringify(result)),
      error: (error) => console.log(JSON.stringify({ failed: Array.isArray(error) ? error : String(error) })),
      complete: () => process.exit(0),
    },
  );
  // The server takes messages in order: with this answered, it has taken the subscription.
  client.subscribe(
    { query: "{ __typename }" },
    { next: () => console.log("ready"), error: (error) => console.log(String(error)), complete: () => {} },
  );
});
client.on("closed", (event) => {
  console.log(JSON.stringify({ closed: event.code }));
  process.exit(0);
});
