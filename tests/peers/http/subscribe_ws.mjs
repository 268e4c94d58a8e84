// Listens to one message's events with graphql-ws: subscribe_ws.mjs URL TOKEN EMAIL COUNT. Prints a JSON line per event and ends after COUNT,
// or prints the errors that ended the stream.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, token, email, count] = process.argv.slice(2);
const client = createClient({
  url: url.replace(/^http/, 'ws') + '/graphql',
  webSocketImpl: WebSocket,
  connectionParams: { authorization: `Bearer ${token}` },
  retryAttempts: 0,
});
const events = client.iterate({
  query: 'subscription($email: ID!) { emailEvents(email: $email) { type position recipients } }',
  variables: { email },
});
let seen = 0;
for await (const event of events) {
  console.log(JSON.stringify(event));
  seen += 1;
  if (seen === Number(count)) break;
}
await client.dispose();
