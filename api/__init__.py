"""The faces of runlake: the HTTP API (`api.app.create_app`) and the `runlake` command (`api.cli.main`)."""
