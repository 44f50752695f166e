"""Single sign-on: people who prove to their own organisation's provider who they are."""
