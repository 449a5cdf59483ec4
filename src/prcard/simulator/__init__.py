"""A card and a reader made of software: in process, serial, TCP, UDP."""
