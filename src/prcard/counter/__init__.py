"""The counter: stations that read and judge cards, a local service on loopback, and the page that shows them."""
