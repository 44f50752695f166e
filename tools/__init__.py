"""What makers of Motet run now and then; no part of the package."""
