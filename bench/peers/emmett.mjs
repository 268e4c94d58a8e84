// Appends single events to new streams with Emmett: emmett.mjs DATABASE-ADDRESS WRITERS SECONDS CONNECTIONS
// Prints how many a second became durable.
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import { randomUUID } from 'node:crypto'
import pg from 'pg'

const [address, writers, seconds, connections] = [process.argv[2], ...process.argv.slice(3).map(Number)]
const event = { type: 'EmailQueued', data: { body: 'x'.repeat(389) }, metadata: { correlation: 'x'.repeat(130) } }
const pool = new pg.Pool({ connectionString: address, max: Math.min(writers, connections) })
const store = getPostgreSQLEventStore(address, { schema: { autoMigration: 'None' }, connectionOptions: { pool } })

async function write(until) {
  let events = 0
  for (; performance.now() < until; events++) {
    await store.appendToStream(`email-${randomUUID()}`, [event], { expectedStreamVersion: 'STREAM_DOES_NOT_EXIST' })
  }
  return events
}

async function measure(span) {
  const begin = performance.now()
  const events = await Promise.all(Array.from({ length: writers }, () => write(begin + span)))
  return events.reduce((sum, count) => sum + count) / (performance.now() - begin) * 1000
}

if (!(await pool.query(`SELECT to_regclass('emt_messages') AS made`)).rows[0].made) await store.schema.migrate()
// The first appends open connections and warm the interpreter up.
await measure(500)
console.log(await measure(seconds * 1000))
process.exit(0)
