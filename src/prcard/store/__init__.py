"""What is kept on disk: captures, profiles, trust folders, audit log, kept records; and asking services outside."""
