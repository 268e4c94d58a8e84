// Listens to one message's events with graphql-sse: subscribe_sse.mjs URL TOKEN EMAIL COUNT. Prints a JSON line per event and ends after COUNT.
import { createClient } from 'graphql-sse';

const [url, token, email, count] = process.argv.slice(2);
const client = createClient({ url: url + '/graphql', headers: { authorization: `Bearer ${token}` }, retryAttempts: 0 });
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
client.dispose();
