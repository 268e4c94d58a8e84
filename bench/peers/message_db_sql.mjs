// Prints what Message DB's own installer runs in a new database, in its order.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const home = join(dirname(createRequire(import.meta.url).resolve('@eventide/message-db/package.json')), 'database')
const scripts = [
  'roles/message-store', 'schema/message-store', 'extensions/pgcrypto', 'tables/messages', 'types/message',
  ...['message-store-version', 'hash-64', 'acquire-lock', 'category', 'is-category', 'id', 'cardinal-id', 'stream-version', 'write-message',
    'get-stream-messages', 'get-category-messages', 'get-last-stream-message'].map((name) => `functions/${name}`),
  'indexes/messages-id', 'indexes/messages-stream', 'indexes/messages-category',
]
for (const script of scripts) console.log(readFileSync(join(home, `${script}.sql`), 'utf8'))
