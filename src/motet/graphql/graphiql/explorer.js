// Puts GraphiQL on the page. The token stays in this tab: it is sent with every request and kept nowhere else.
"use strict";

const ADDRESS = new URL("graphql", location.href);
const SOCKET = new URL(ADDRESS);
SOCKET.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const START = `# Motet. Ctrl-Enter runs the query, Ctrl-Space completes; the book on the left explains every field.

query Overview {
  viewer { subject role workspace { name } }
  devices(first: 5) {
    totalCount
    nodes { id name status sim { iccid msisdn } smsMessages(first: 3) { nodes { direction status text submittedAt } } }
  }
}
`;

const access = document.getElementById("access");
const input = document.getElementById("token");
const who = document.getElementById("who");
const root = ReactDOM.createRoot(document.getElementById("graphiql"));
let token = sessionStorage.getItem("motet-token") || "";
let sockets = null;
let version = 0;

function authorization() {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

function show() {
  if (sockets) sockets.dispose();
  sockets = graphqlWs.createClient({
    url: SOCKET.href,
    lazy: true,
    connectionParams: () => ({ authorization: `Bearer ${token}` }),
  });
  const fetcher = GraphiQL.createFetcher({ url: ADDRESS.href, headers: authorization(), wsClient: sockets });
  version += 1; // a new key: the schema is asked for again
  root.render(
    React.createElement(GraphiQL, { key: version, fetcher, defaultQuery: START, shouldPersistHeaders: false }),
  );
  greet();
}

async function greet() {
  if (!token) {
    who.textContent = "Give a token to see the schema and the data.";
    who.className = "";
    return;
  }
  try {
    const answer = await fetch(ADDRESS, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...authorization() },
      body: JSON.stringify({ query: "{ viewer { subject role isOperator } }" }),
    });
    const body = await answer.json();
    const viewer = body.data && body.data.viewer;
    who.textContent = viewer ? `${viewer.subject} (${viewer.role || "operator"})` : body.errors[0].message;
    who.className = viewer ? "" : "bad";
  } catch (error) {
    who.textContent = "No answer.";
    who.className = "bad";
  }
}

access.addEventListener("submit", (event) => {
  event.preventDefault();
  token = input.value.trim().replace(/^Bearer\s+/i, "");
  sessionStorage.setItem("motet-token", token);
  show();
});

input.value = token;
show();
