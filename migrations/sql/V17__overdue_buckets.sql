-- How many buckets were due and still had a key when somebody last looked.
ALTER TABLE keyring.sweep ADD COLUMN overdue bigint NOT NULL DEFAULT 0;
