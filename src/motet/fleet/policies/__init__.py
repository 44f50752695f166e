"""Service and coverage policies, and the coverage that operators offer."""
