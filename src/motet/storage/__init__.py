"""The one data layer: every SQL statement, a module per aggregate."""
