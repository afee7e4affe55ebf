"""The database: its engine, the record every feature reads, and the migrations that make both."""
