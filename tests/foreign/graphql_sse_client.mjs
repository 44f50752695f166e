// graphql-sse as the client, in either mode: prints "connected", {"query": …}, and a line of JSON for each result.
import { createClient } from "graphql-sse";

const [url, token, mode, document] = process.argv.slice(2);
const client = createClient({
  url,
  singleConnection: mode === "single",
  retryAttempts: 0,
  headers: { authorization: `Bearer ${token}` },
  on: { connected: () => console.log("connected") },
});
const failed = (error) => {
  console.log(JSON.stringify({ failed: String(error), status: error?.response?.status }));
  process.exit(0);
};
const lasting = client.subscribe(
  { query: document },
  { next: (result) => console.log(JSON.stringify(result)), error: failed, complete: () => console.log("complete") },
);
client.subscribe(
  { query: "{ viewer { subject } }" },
  {
    next: (result) => console.log(JSON.stringify({ query: result.data.viewer })),
    error: failed,
    complete: () => console.log("answered"),
  },
);
process.stdin.on("data", (line) => {
  if (String(line).startsWith("stop")) lasting();
  if (String(line).startsWith("end")) { client.dispose(); process.exit(0); }
});
