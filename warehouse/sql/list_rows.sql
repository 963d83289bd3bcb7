-- The executions with these ids, in no particular order: all columns, and placed_us, the instant that places them in
-- microseconds since 1970. View: chosen_executions.
--
-- $ids: list of text. So that few ids are read: $placed_from, $placed_to: instants they are placed at, both inclusive;
-- $duration_from, $duration_to: seconds they lasted, both inclusive; NULL: any.
SELECT *, epoch_us(placed_at(started_at, created_at)) AS placed_us
FROM chosen_executions
WHERE list_contains($ids, id)
    AND ($placed_from IS NULL OR placed_at(started_at, created_at) BETWEEN $placed_from AND $placed_to)
    AND ($duration_from IS NULL OR duration_s BETWEEN $duration_from AND $duration_to)
