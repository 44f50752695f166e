"""The adapters to a mobile network over HTTP: orders out, notifications and questions in."""
