"""May I accept this card for this purpose? Checks, profiles, verdict and masking; nothing here opens anything."""
