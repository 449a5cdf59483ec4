"""What is kept on disk: captures, profiles."""
