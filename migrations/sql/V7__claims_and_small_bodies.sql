-- Whoever looks for work goes from server to server: what waits for one that has enough to do is passed over in one step.
CREATE INDEX delivery_queue_server ON read.delivery_queue (smtp_server, due_at_us, email);
DROP INDEX read.delivery_queue_due;

-- Most bodies are a few kilobytes. Kept in their row, they need no second table and index to be written, read and removed.
ALTER TABLE spool.entry SET (toast_tuple_target = 8160);
