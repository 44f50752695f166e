// ws as a client that breaks the protocol in each way there is: prints {case: close code}.
import WebSocket from "ws";

const [url, token] = process.argv.slice(2);
const init = { type: "connection_init", payload: { authorization: `Bearer ${token}` } };
const listen = { id: "1", type: "subscribe", payload: { query: "subscription { smsMessages { id } }" } };
const ask = { id: "2", type: "subscribe", payload: { query: "{ __typename }" } };
const CASES = {
  "no connection_init": [],
  "a bad token": [{ type: "connection_init", payload: { authorization: "Bearer x" } }],
  "subscribe before connection_init": [ask],
  "a second connection_init": [init, init],
  "an id in use": [init, listen, listen],
  "no JSON": [init, "nonsense"],
  "no such type": [init, { type: "nonsense" }],
  "subscribe without an id": [init, { type: "subscribe", payload: ask.payload }],
  "a binary message": [init, Buffer.from([1, 2, 3])],
  "a frame of 15 MB": [init, "x".repeat(15_000_000)],
};

function closed(messages, subprotocols = ["graphql-transport-ws"]) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, subprotocols);
    socket.on("open", () => {
      for (const message of messages) {
        socket.send(typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message));
      }
    });
    socket.on("error", () => {});
    socket.on("close", (code) => resolve(code));
  });
}

const found = {};
for (const [name, messages] of Object.entries(CASES)) found[name] = await closed(messages);
found["no subprotocol"] = await closed([init], []);
console.log(JSON.stringify(found));
// What others negotiated is refused in the handshake or by a code; ws itself closes a socket without what it asked for.
const legacy = await new Promise((resolve) => {
  const socket = new WebSocket(url, ["graphql-ws"]);
  socket.on("error", (error) => resolve(String(error.message)));
  socket.on("close", (code) => resolve(String(code)));
});
console.log(JSON.stringify({ legacy }));
