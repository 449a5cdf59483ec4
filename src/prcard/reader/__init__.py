"""Readers: channels that carry bytes, and the session that reads a card over them."""
