"""SIMs: their life, orders, batches, imports, factory test."""
