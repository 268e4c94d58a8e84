// Runs graphql-http's audits of GraphQL over HTTP against the address in argv[2], and prints one line per audit that is not ok.
import { serverAudits } from 'graphql-http';

const audits = serverAudits({ url: process.argv[2] });
let ok = 0;
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status === 'ok') ok += 1;
  else console.log(`${result.status} ${audit.id} ${audit.name}: ${result.reason}`);
}
console.log(`${ok} of ${audits.length}`);
