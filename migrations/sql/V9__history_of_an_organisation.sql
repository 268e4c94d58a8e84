-- Looking back asks for all that happened to an organisation's members, keys, servers and suppressions. Messages, which are most of a log, are left out:
-- each has a stream of its own, and an append of theirs pays nothing.
CREATE INDEX event_of_organization ON log.event (organization, category, position) WHERE category <> 5;
