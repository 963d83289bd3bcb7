"""One step a file, numbered in order; a step that was released is never changed."""
