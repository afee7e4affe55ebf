"""What carries Kensa to a machine; run from the source tree, not installed."""
