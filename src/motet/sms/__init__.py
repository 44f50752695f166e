"""SMS text and user data: GSM 7-bit, data coding, user data headers, parts. Pure."""
