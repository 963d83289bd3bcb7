"""From a question over HTTP or in a command to its answer: words to filters, pages and cursors, JSON, CSV, exports."""
