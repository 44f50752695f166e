"""Alert rules, what raises an alert, how long events are kept."""
