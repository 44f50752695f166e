"""What is on a card: eUICC profiles, activation codes, IMSIs and which one is used."""
