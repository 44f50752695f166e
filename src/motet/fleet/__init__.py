"""What a workspace owns besides messages: SIMs, devices, accounts, short codes."""
