"""Queue, ledger, settings and records on a database: the `Store` port."""
