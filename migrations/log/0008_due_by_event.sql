-- What an event has set for later, for who asks what followed from it.
CREATE INDEX due_by_event ON due (event_id);
